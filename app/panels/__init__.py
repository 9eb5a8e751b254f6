"""The panels and dialogs beside the views."""
