"""Two small applications that share data through a hub; ``python -m example_project.demo`` shows them at work."""
