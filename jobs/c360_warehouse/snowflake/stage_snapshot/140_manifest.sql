COPY INTO load_manifest
FROM @staging
FILES = ('manifest.json')
FILE_FORMAT = (TYPE = JSON)
