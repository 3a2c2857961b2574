"""Pages as one HTML file that asks nobody for anything: templates, styles, charts."""
