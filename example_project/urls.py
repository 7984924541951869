from django.contrib import admin
from django.urls import include, path

from .views import home, index

urlpatterns = [
    path("", index, name="index"),
    path("home/", home, name="home"),
    path("admin/", admin.site.urls),
    path("maestrano/", include("django_connec.urls")),
]
