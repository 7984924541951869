"""The paths that a registered application keeps, each also without a marketplace for the one called ``default``."""

from django.urls import path

from django_connec.dashboard.views import GroupListView, SharingView, StartView
from django_connec.sso import views as sso
from django_connec.webhooks.account import GroupUserView, GroupView
from django_connec.webhooks.metadata import MetadataView
from django_connec.webhooks.synchronisation import SynchronizationsView, SynchronizationView, ToggleView
from django_connec.webhooks.views import NotificationView

app_name = "django_connec"

urlpatterns = [
    path("auth/saml/init", sso.init, name="sso-init-default"),
    path("auth/saml/init/<str:marketplace>", sso.init, name="sso-init"),
    path("auth/saml/consume", sso.consume, name="sso-consume-default"),
    path("auth/saml/consume/<str:marketplace>", sso.consume, name="sso-consume"),
    path("auth/saml/importing", sso.importing, name="sso-importing-default"),
    path("auth/saml/importing/<str:marketplace>", sso.importing, name="sso-importing"),
    path("auth/saml/logout", sso.logout, name="sso-logout-default"),
    path("auth/saml/logout/<str:marketplace>", sso.logout, name="sso-logout"),
    # Described once: a second path of the same operation would have to be told apart in the API's document.
    path("connec/notifications", NotificationView.as_view(schema=None), name="notifications-default"),
    path("connec/notifications/<str:marketplace>", NotificationView.as_view(), name="notifications"),
    path("account/groups/<str:uid>", GroupView.as_view(schema=None), name="account-group-default"),
    path("account/groups/<str:uid>/<str:marketplace>", GroupView.as_view(), name="account-group"),
    path(
        "account/groups/<str:uid>/users/<str:user_uid>",
        GroupUserView.as_view(schema=None),
        name="account-group-user-default",
    ),
    path(
        "account/groups/<str:uid>/users/<str:user_uid>/<str:marketplace>",
        GroupUserView.as_view(),
        name="account-group-user",
    ),
    path("metadata", MetadataView.as_view(schema=None), name="metadata-default"),
    path("metadata/<str:marketplace>", MetadataView.as_view(), name="metadata"),
    path("sharing/", GroupListView.as_view(), name="sharing"),
    path("sharing/<int:pk>/", SharingView.as_view(), name="sharing-group"),
    path("sharing/<int:pk>/start/", StartView.as_view(), name="sharing-start"),
    path("synchronizations", SynchronizationsView.as_view(schema=None), name="synchronizations-default"),
    path("synchronizations/toggle_sync", ToggleView.as_view(schema=None), name="synchronizations-toggle-default"),
    path("synchronizations/<str:uid>", SynchronizationView.as_view(schema=None), name="synchronization-default"),
    path("<str:marketplace>/synchronizations", SynchronizationsView.as_view(), name="synchronizations"),
    path("<str:marketplace>/synchronizations/toggle_sync", ToggleView.as_view(), name="synchronizations-toggle"),
    path("<str:marketplace>/synchronizations/<str:uid>", SynchronizationView.as_view(), name="synchronization"),
]
