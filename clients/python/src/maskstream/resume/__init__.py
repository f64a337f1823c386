"""A video call that outlives its server (docs/resume.md): a state machine without I/O."""
