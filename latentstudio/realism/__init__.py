"""Realism: great circles towards the protoimage. Nothing is built here yet."""
