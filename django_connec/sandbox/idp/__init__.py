"""A SAML identity provider that answers as Maestrano's does (Maestrano SDK, single sign-on)."""

from django_connec.sandbox.idp.answers import AnswerStyle
from django_connec.sandbox.idp.provider import Answer, IdentityProvider, SignOnRefused

__all__ = ["Answer", "AnswerStyle", "IdentityProvider", "SignOnRefused"]
