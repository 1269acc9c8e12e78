"""What makes the pages: the list of settings, the site, the README's picture. Not part of the package."""
