"""A SAML identity provider that answers as Maestrano's does (Maestrano SDK, single sign-on)."""

from django_connec.sandbox.idp.provider import Answer, IdentityProvider, SignOnRefused
from django_connec.sandbox.idp.style import AnswerStyle

__all__ = ["Answer", "AnswerStyle", "IdentityProvider", "SignOnRefused"]
