"""The paths that a registered application keeps, each also without a marketplace for the one called ``default``."""

from django.urls import path

from django_connec.webhooks.views import NotificationView

app_name = "django_connec"

urlpatterns = [
    path("connec/notifications", NotificationView.as_view(), name="notifications-default"),
    path("connec/notifications/<str:marketplace>", NotificationView.as_view(), name="notifications"),
]
