"""The words of every push: the same for everybody and everything."""

TITLE = "Something new"
BODY = "Open the app to see it."
