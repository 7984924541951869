"""What the hub calls: notifications of changed records."""
