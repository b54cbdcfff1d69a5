"""GitHub's REST API: endpoints as declarations, and the shapes of what they answer."""
