//! SageMaker's and Bedrock's runtimes on this machine, which fail as they are told.
