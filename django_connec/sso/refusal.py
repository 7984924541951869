"""Why a sign-on was refused: one code for the operator's log. The user is never told which."""

from __future__ import annotations

import enum

__all__ = ["Reason", "Refused"]


class Reason(enum.StrEnum):
    """What the log line says. No value of it depends on what a document holds."""

    NOT_CONFIGURED = "not-configured"
    BODY = "body"
    ENCODING = "encoding"
    MARKUP = "markup"
    NOT_XML = "not-xml"
    TOO_COMPLEX = "too-complex"
    SHAPE = "shape"
    DUPLICATE_ID = "duplicate-id"
    ATTRIBUTES = "attributes"
    UNKNOWN_REQUEST = "unknown-request"
    SPENT_REQUEST = "spent-request"
    STATUS = "status"
    VERSION = "version"
    DESTINATION = "destination"
    RECIPIENT = "recipient"
    IN_RESPONSE_TO = "in-response-to"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    SUBJECT = "subject"
    TIMES = "times"
    UNSIGNED = "unsigned"
    SIGNATURE_FORM = "signature-form"
    ALGORITHM = "algorithm"
    KEY = "key"
    SIGNATURE = "signature"
    JUDGEMENT = "judgement"
    REPLAY = "replay"
    IDENTITY = "identity"
    USER = "user"
    ACCOUNT_EXISTS = "account-exists"
    NOT_STORED = "user-not-stored"
    INTERNAL = "internal"


class Refused(Exception):
    """This answer signs nobody on.

    Args:
        reason: For the operator's log.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason
