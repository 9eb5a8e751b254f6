"""The one mutable document: what is edited and how; no widget, no thread."""
