// The images: what exists, on which base, under which names. Nothing else lists them.

variable "REGISTRY" {
  description = "Registry to push to, like 123456789012.dkr.ecr.eu-central-1.amazonaws.com; empty for local images"
  default     = ""
}

variable "TAG" {
  description = "Tag of the images, which names one state of the source"
  default     = "dev"
}

variable "REVISION" {
  description = "Commit that the images are built from"
  default     = ""
}

variable "SOURCE" {
  description = "Address of the repository"
  default     = ""
}

variable "PLATFORMS" {
  description = "Platforms separated by commas; empty for that of the builder"
  default     = ""
}

variable "PYTHON_DIGEST" {
  description = "Digest of python:3.11-slim-bookworm; a mirror that made its own image gives another one"
  default     = "sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b"
}

variable "ON_CORE" {
  description = "Stages without an engine"
  default = [
    "ndr-delta",
    "ndr-fg-a",
    "ndr-pair-counts",
    "ndr-fg-c",
    "ndr-15m",
    "ndr-inference",
    "ndr-join",
    "ndr-canary",
    "ndr-alerts",
    "ndr-manifest-builder",
    "ndr-ndjson-to-parquet",
    "c360-validate",
  ]
}

variable "FUNCTIONS" {
  description = "Stages of NDR that no cluster runs"
  default     = ["ndr-manifest-builder", "ndr-ndjson-to-parquet"]
}

variable "ON_PAGE" {
  description = "Stages that write pages"
  default = [
    "ndr-page",
  ]
}

variable "ON_C360" {
  description = "Stages that read phone numbers and countries"
  default = [
    "c360-clean",
  ]
}

variable "ON_WAREHOUSE" {
  description = "Stages with the local warehouse"
  default = [
    "c360-warehouse",
  ]
}

variable "ON_SERVE" {
  description = "Stages that answer requests"
  default = [
    "ndr-serve",
  ]
}

variable "ON_SAIL" {
  description = "Stages on the Sail runtime"
  default = [
    "ndr-fg-b",
    "ndr-inventory-unload",
    "ndr-extractor",
    "ndr-maintain",
    "c360-staging",
  ]
}

variable "ON_TRAINING" {
  description = "Stages that also need the libraries of training"
  default = [
    "ndr-if-training",
  ]
}

group "default" {
  targets = ["stages", "ndr-spark"]
}

group "c360" {
  targets = ["c360-validate", "c360-clean", "c360-staging", "c360-warehouse"]
}

group "bases" {
  targets = ["bases-of-locks", "base-training", "base-spark"]
}

function "names" {
  params = [image, variant]
  result = (
    REGISTRY == "" ? ["${image}:latest${variant}", "${image}:${TAG}${variant}"] : ["${REGISTRY}/${image}:${TAG}${variant}"]
  )
}

function "on" {
  params = [base, images]
  result = [for image in images : { image = image, base = base }]
}

target "_common" {
  platforms = compact(split(",", PLATFORMS))
  attest    = ["type=provenance,disabled=true"]
  labels = {
    "org.opencontainers.image.revision" = REVISION
    "org.opencontainers.image.source"   = SOURCE
    "org.opencontainers.image.version"  = TAG
  }
}

target "_python" {
  inherits = ["_common"]
  contexts = {
    "python:3.11-slim-bookworm" = "docker-image://docker.io/library/python:3.11-slim-bookworm@${PYTHON_DIGEST}"
  }
}

target "project" {
  inherits   = ["_python"]
  dockerfile = "images/project/Dockerfile"
}

target "core" {
  inherits   = ["_python"]
  dockerfile = "images/base/Dockerfile"
  target     = "core"
}

target "tools" {
  inherits = ["core"]
  target   = "tools"
}

target "runtime" {
  inherits = ["core"]
  target   = "packages"
  args     = { LOCK = "sail" }
}

target "bases-of-locks" {
  inherits = ["core"]
  matrix = {
    base = [
      { name = "base-core", lock = "lambda" },
      { name = "base-page", lock = "page" },
      { name = "base-c360", lock = "c360" },
      { name = "base-warehouse", lock = "warehouse" },
      { name = "base-serve", lock = "serve" },
      { name = "base", lock = "sail" },
    ]
  }
  name     = base.name
  target   = "base"
  args     = { LOCK = base.lock }
  contexts = { project = "target:project" }
}

target "base-training" {
  inherits   = ["_common"]
  dockerfile = "images/base-training/Dockerfile"
  contexts   = { sail = "target:runtime", project = "target:project", tools = "target:tools" }
}

target "base-spark" {
  inherits   = ["_python"]
  dockerfile = "images/base-spark/Dockerfile"
  contexts   = { core = "target:core", project = "target:project", tools = "target:tools" }
}

target "stages" {
  inherits = ["_common"]
  matrix = {
    stage = concat(
      on("base-core", ON_CORE),
      on("base-page", ON_PAGE),
      on("base-c360", ON_C360),
      on("base-warehouse", ON_WAREHOUSE),
      on("base-serve", ON_SERVE),
      on("base", ON_SAIL),
      on("base-training", ON_TRAINING),
    )
  }
  name       = stage.image
  dockerfile = "images/${stage.image}/Dockerfile"
  contexts   = { "${stage.base}" = "target:${stage.base}", project = "target:project" }
  tags       = names(stage.image, "")
}

target "ndr-spark" {
  inherits   = ["_common"]
  dockerfile = "images/ndr-spark/Dockerfile"
  contexts   = { base-spark = "target:base-spark", project = "target:project" }
  tags       = names("ndr-spark", "")
}

// ndr-spark under the name of each stage of NDR, tagged <tag>-spark: what pipelines run with Engine=spark, ImageTag=<tag>-spark
target "spark" {
  inherits          = ["_common"]
  matrix            = { image = [for image in concat(ON_CORE, ON_PAGE, ON_SAIL, ON_TRAINING) : image if substr(image, 0, 4) == "ndr-" && !contains(FUNCTIONS, image)] }
  name              = "${image}-spark"
  dockerfile-inline = "FROM ndr-spark\nENTRYPOINT [\"${image}\"]\n"
  contexts          = { ndr-spark = "target:ndr-spark" }
  tags              = names(image, "-spark")
}
