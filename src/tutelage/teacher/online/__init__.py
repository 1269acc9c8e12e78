"""A teacher behind an API: asked, limited, paid and recorded."""
