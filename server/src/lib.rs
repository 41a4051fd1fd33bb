//! A model behind the contract of SageMaker's containers: `/ping` and `/invocations`.
