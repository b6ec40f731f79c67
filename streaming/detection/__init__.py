"""Frames in, road users and their groups out."""
