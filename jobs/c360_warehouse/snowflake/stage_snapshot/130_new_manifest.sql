CREATE OR REPLACE TRANSIENT TABLE load_manifest (
    document VARIANT
)
