"""Single sign-on: a SAML 2.0 service provider, users and groups, and the recheck of running sessions.

Nothing here is imported when Django starts but :mod:`~django_connec.sso.views`, which needs neither pysaml2 nor
xmlsec before the first sign-on.
"""
