"""What a hub, a link and a satellite of a million issues cost, in seconds of the engine's processor."""
