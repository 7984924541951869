"""The authentication back-end that finds or makes the user behind a verified sign-on."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import FieldDoesNotExist
from django.db import IntegrityError, models, router, transaction
from django.http import HttpRequest
from django.utils import timezone

from django_connec.models import ConnecIdentity
from django_connec.sso.identity import Identity
from django_connec.sso.refusal import Reason, Refused

__all__ = ["AnyUser", "ConnecBackend"]

#: An instance of whatever ``AUTH_USER_MODEL`` names.
AnyUser = Any


class ConnecBackend(ModelBackend):
    """Signs on whom a marketplace vouches for. Add it, or a subclass, to ``AUTHENTICATION_BACKENDS``.

    Override :meth:`create_user`, :meth:`update_user` or :meth:`find_user` where your users are made in another way.
    It never takes a password, so listing it changes no other way to log in.
    """

    def authenticate(  # type: ignore[override] # each back-end takes credentials of its own
        self, request: HttpRequest | None, connec_identity: Identity | None = None, **credentials: Any
    ) -> AnyUser | None:
        """Return the user of a verified identity, made where he is new, with refreshed details.

        Raises:
            Refused: He may not sign on, or cannot be made.
        """
        if connec_identity is None:
            return None
        user, _ = self.resolve(connec_identity)
        return user

    def resolve(self, identity: Identity) -> tuple[AnyUser, bool]:
        """Return the user, and whether he was made now."""
        using = router.db_for_write(ConnecIdentity)
        for is_last in (False, True):
            try:
                with transaction.atomic(using=using):
                    return self._resolve(identity, using)
            except IntegrityError:
                # Another process has made him meanwhile: then he is found at the second try.
                if is_last:
                    raise Refused(Reason.NOT_STORED) from None
        raise AssertionError

    def find_user(self, identity: Identity) -> AnyUser | None:
        """Return a user who is here already but not linked: by e-mail, with ``SSO_LINK_BY_EMAIL``.

        Never one with rights in the admin, and none who is linked to another user of this marketplace. Virtual
        addresses find nobody.
        """
        marketplace = identity.marketplace
        field = _field("email")
        if not marketplace.sso_link_by_email or marketplace.sso_creation_mode == "virtual" or field is None:
            return None
        email = identity.user.email
        if not email:
            return None
        users = get_user_model()._default_manager.filter(**{f"{field.name}__iexact": email})[:10]
        # Some databases take accented letters for plain ones.
        found = [user for user in users if str(getattr(user, field.name)).casefold() == email.casefold()]
        if len(found) != 1:
            return None
        user = found[0]
        if getattr(user, "is_staff", False) or getattr(user, "is_superuser", False):
            return None
        if ConnecIdentity.objects.filter(marketplace=marketplace.name, user=user).exists():
            return None
        return user

    def create_user(self, identity: Identity) -> AnyUser:
        """Make a user: name and e-mail where the model has such fields, and no usable password.

        Raises:
            Refused: The name under which he logs in belongs to somebody else.
            IntegrityError: The database refuses him.
        """
        model = get_user_model()
        for name in self._login_names(identity):
            if model._default_manager.filter(**{model.USERNAME_FIELD: name}).exists():
                continue
            user = model(**{**self._details(identity), model.USERNAME_FIELD: name})
            user.set_unusable_password()
            user.save()
            return user
        raise Refused(Reason.ACCOUNT_EXISTS)

    def update_user(self, user: AnyUser, identity: Identity) -> None:
        """Write what has changed at the hub since the last sign-on. A value that the hub leaves empty stays."""
        changed = {k: v for k, v in self._details(identity).items() if v and getattr(user, k) != v}
        if not changed:
            return
        before = {name: getattr(user, name) for name in changed}
        for name, value in changed.items():
            setattr(user, name, value)
        try:
            with transaction.atomic(using=user._state.db):
                user.save(update_fields=list(changed))
        except IntegrityError:
            # An address that somebody else has here: the old details stay.
            for name, value in before.items():
                setattr(user, name, value)

    def _resolve(self, identity: Identity, using: str) -> tuple[AnyUser, bool]:
        known = (
            ConnecIdentity.objects.using(using)
            .select_related("user")
            .filter(marketplace=identity.marketplace.name, uid=identity.user.uid)
            .first()
        )
        created = False
        if known is None:
            user = self.find_user(identity)
            if user is None:
                user, created = self.create_user(identity), True
            known = ConnecIdentity(marketplace=identity.marketplace.name, uid=identity.user.uid, user=user)
        elif known.uid != identity.user.uid:
            # A database that ignores case must not make two users one.
            raise Refused(Reason.IDENTITY)
        found: AnyUser = known.user
        if not self.user_can_authenticate(found):
            raise Refused(Reason.USER)
        if not created:
            self.update_user(found, identity)
        known.signed_on_at = timezone.now()
        known.save(using=using)
        return found, created

    def _login_names(self, identity: Identity) -> Iterator[str]:
        """Names to log in under, best first. An e-mail address is never made up."""
        model = get_user_model()
        field = model._meta.get_field(model.USERNAME_FIELD)
        limit = getattr(field, "max_length", None) or 255
        if isinstance(field, models.EmailField) or field == _field("email"):
            if identity.user.email:
                yield identity.user.email[:limit]
            return
        uid = identity.user.uid
        for name in (uid, f"{uid}@{identity.marketplace.name}", f"{uid[: limit - 9]}-{secrets.token_hex(4)}"):
            if len(name) <= limit:
                yield name

    @staticmethod
    def _details(identity: Identity) -> dict[str, str]:
        person = identity.user
        full = f"{person.first_name} {person.last_name}".strip()
        wanted = {"first_name": person.first_name, "last_name": person.last_name, "email": person.email}
        if _field("first_name") is None:
            wanted |= {"name": full, "full_name": full}
        found: dict[str, str] = {}
        for name, value in wanted.items():
            field = _field(name)
            if field is not None:
                found[field.name] = value[: getattr(field, "max_length", None) or 255]
        return found


def _field(name: str) -> models.Field[Any, Any] | None:
    """Return a text field of the user model; ``email`` is the one that the model calls so."""
    model = get_user_model()
    if name == "email":
        get_name = getattr(model, "get_email_field_name", None)
        name = get_name() if get_name is not None else name
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, models.CharField | models.TextField) else None
