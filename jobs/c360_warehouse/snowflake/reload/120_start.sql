EXECUTE TASK stage_snapshot
