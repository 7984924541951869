"""The SAML side of sign-on: screens, signature, pysaml2's judgement. Knows no models and no users."""
