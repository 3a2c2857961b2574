ALTER TASK publish_snapshot RESUME
