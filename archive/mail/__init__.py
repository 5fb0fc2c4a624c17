"""The fleet at a glance by mail: composed here, and handed to a server."""
