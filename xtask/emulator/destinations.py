"""Where a record goes that nobody could process: the queue or topic named as its destination.

ministack's own senders append to its queues by hand; going through the queue's front door keeps what a real send does.
"""

import json
import logging

from ministack.core.arn import parse_arn
from ministack.services import sns, sqs

logger = logging.getLogger("linkcast.destinations")


def send(arn, body, attributes=None):
    """Sends a JSON body to a queue or topic; says so when there is none, for then AWS would have lost the record too."""
    if not arn:
        return
    service = parse_arn(arn).service
    text = json.dumps(body)
    if service == "sqs":
        queue = sqs._queue_by_arn(arn)
        if queue is None:
            logger.error("no queue %s: a failed record is lost", arn)
            return
        message = {"QueueUrl": queue["url"], "MessageBody": text, "MessageAttributes": attributes or {}}
        sqs._act_send_message(message, queue["url"])
    elif service == "sns":
        sns.publish_internal(arn, text)
    else:
        logger.error("cannot send to %s: expected a queue or a topic", arn)

