# Targets for the images, which docker-bake.hcl lists.

IMAGE_SOURCES := common jobs tools/page tools/alerts images docker-bake.hcl requirements pyproject.toml .dockerignore
TAG ?= $(shell git rev-parse --short=12 HEAD)$(if $(shell git status --porcelain -- $(IMAGE_SOURCES)),-dirty)
BAKE = eval "$$(images/engine.sh env)" && export TAG=$(TAG) REVISION=$$(git rev-parse HEAD) \
	SOURCE=$$(git config --get remote.origin.url | sed 's|://[^/]*@|://|') &&
IMAGES := $(patsubst %/Dockerfile,%,$(wildcard images/*/Dockerfile))
TARGETS ?= default
START := tests/images/test_start.py
STEPS := tests/localaws/services/sagemaker/test_docker_steps.py
IMAGE_LOCK := -q --generate-hashes --no-emit-find-links --no-emit-index-url --python-version 3.11 --python-platform linux \
	-c requirements/dev.txt

##@ Images

.PHONY: engine
engine: ## Start Docker with a builder if missing
	images/engine.sh up

.PHONY: engine-down
engine-down: ## Stop the Docker started by make engine
	images/engine.sh down

.PHONY: images
images: engine ## Build all images of docker-bake.hcl: [TARGETS="<names>"] [TAG=<tag>]
	$(BAKE) docker buildx bake --load $(TARGETS)

.PHONY: $(IMAGES)
$(IMAGES): images/%: engine ## Build one image or base of those below images/, like images/ndr-fg-c
	$(BAKE) docker buildx bake --load $*

.PHONY: images-list
images-list: setup engine ## List the images: tags, sizes, shared layers
	@$(BAKE) $(BIN)/python images/list.py

.PHONY: push
push: setup engine ## Push the images to ECR: [TARGETS=<targets>] [REGISTRY=<host>] [PLATFORMS=linux/amd64]
	$(BAKE) PLATFORMS=$(or $(PLATFORMS),linux/amd64) $(BIN)/python images/push.py $(TARGETS)

.PHONY: smoke
smoke: setup images ## Test the images: run each on a small lake, push some, form a cluster
	$(BAKE) export NDR_IMAGES=1 && $(BIN)/python -m pytest -n 2 --dist loadscope --durations 5 --ignore $(START) tests/images $(STEPS) && \
		$(BIN)/python -m pytest $(START)

.PHONY: images-secrets
images-secrets: setup engine ## Search all layers of the built images for secrets
	@$(BAKE) $(BIN)/python images/leaks.py

.PHONY: sbom
sbom: engine ## Write bills of materials of the built images (CycloneDX) to build/sbom
	@$(BAKE) images/sbom.sh build/sbom $(filter ndr-% c360-%,$(notdir $(IMAGES)))

.PHONY: images-check
images-check: setup
	$(BIN)/hadolint $(addsuffix /Dockerfile,$(IMAGES))
	$(BIN)/shellcheck --external-sources $(wildcard images/*.sh images/*/*.sh) $(INSTALL) .ci/run .ci/parts

.PHONY: images-lock
images-lock: setup $(SPARK_VENV)/.installed java # the packages and jars of the images, in the versions of dev.txt
	$(BIN)/uv pip compile $(IMAGE_LOCK) -o requirements/image-core.txt pyproject.toml
	$(BIN)/uv pip compile $(IMAGE_LOCK) --extra lambda -o requirements/image-lambda.txt pyproject.toml
	$(BIN)/uv pip compile $(IMAGE_LOCK) --extra page -o requirements/image-page.txt pyproject.toml
	$(BIN)/uv pip compile $(IMAGE_LOCK) --extra c360 -o requirements/image-c360.txt pyproject.toml
	$(BIN)/uv pip compile $(IMAGE_LOCK) --extra serve -o requirements/image-serve.txt pyproject.toml
	$(BIN)/uv pip compile $(IMAGE_LOCK) --extra warehouse -o requirements/image-warehouse.txt pyproject.toml
	$(BIN)/uv pip compile $(IMAGE_LOCK) --extra engine -o requirements/image-sail.txt pyproject.toml
	$(BIN)/uv pip compile $(IMAGE_LOCK) --extra sail -o requirements/image-training.txt pyproject.toml
	$(BIN)/uv pip compile $(IMAGE_LOCK) --extra spark -o requirements/image-spark.txt pyproject.toml
	$(SPARK_VENV)/bin/python images/base-spark/lock.py >requirements/image-jars.txt
