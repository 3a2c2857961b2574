"""What roles permit, and what is needed: templates (`template`), machines, jobs and services (`works`), findings."""
