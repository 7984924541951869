"""A Connec! hub on the developer's own machine.

Independent of the rest of the package: it imports neither the client nor the mapping, so that both cannot be
wrong together.
"""

from django_connec.sandbox.behaviour import Behaviour
from django_connec.sandbox.deliveries import Delivery
from django_connec.sandbox.faults import Fault
from django_connec.sandbox.hub import Call, SandboxHub
from django_connec.sandbox.idp import AnswerStyle, SignOnRefused
from django_connec.sandbox.store import Application

__all__ = ["AnswerStyle", "Application", "Behaviour", "Call", "Delivery", "Fault", "SandboxHub", "SignOnRefused"]
