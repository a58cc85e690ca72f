"""The desk's decisions, pure: values in, effects out; no input or output, no clock, no chance."""
