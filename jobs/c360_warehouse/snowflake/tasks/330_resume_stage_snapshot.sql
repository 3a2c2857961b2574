ALTER TASK stage_snapshot RESUME
