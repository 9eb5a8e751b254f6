# make run   sets everything up and opens the viewer on the demo
# make test  sets everything up and runs all tests but those that need Blender or OpenSim
# make test-all  the same with Blender and OpenSim, as the packages bpy (350 MB) and opensim (72 MB) in environments of their
#   own, 50 sessions and exports killed, 200 clips lifted, and a cluster that loses a worker
# make fuzz  20,000 mutated files for all readers, in ten minutes on two cores
# make soak  a seeded random user of the real window for ten minutes; memory must not grow
# make lint  style, types and import rules
# make docs  builds the site of docs/ in build/site, without the network, and looks for broken links in it
# make screenshots  takes the pictures of docs/tour.md anew
# make motion-pictures  draws docs/motion-*.png and docs/alternatives-*.png anew, from motion and a video that are not in the
#   repository: SHARED=folder

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# bpy has wheels for one version of Python each: BLENDER_PYTHON names another one where PYTHON's has none.
BLENDER_PYTHON ?= $(PYTHON)
BLENDER_VENV := .venv-blender
# opensim has wheels for Python 3.11 to 3.13: OPENSIM_PYTHON names one of these where PYTHON is another.
OPENSIM_PYTHON ?= $(PYTHON)
OPENSIM_VENV := .venv-opensim
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# What Qt and OpenGL need on Debian and Ubuntu; the tests add a virtual display.
RUN_PACKAGES := libegl1 libgl1 libglx-mesa0 libgl1-mesa-dri libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 \
	libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libdbus-1-3 libfontconfig1 fonts-dejavu-core
TEST_PACKAGES := $(RUN_PACKAGES) xvfb
BLENDER_PACKAGES := libsm6 libxfixes3 libxi6 libxkbcommon0 libxrender1

SHARED ?= ../shared
# A process to each core; one that has done its tests takes over some of another's.
IN_PARALLEL := --numprocesses auto --dist worksteal

.PHONY: run test test-all fuzz soak lint docs screenshots motion-pictures setup setup-dev setup-docs packages test-packages blender-packages clean

run: packages setup
	$(BIN)/mpm-viewer

test: test-packages setup-dev
	$(BIN)/python -m pytest $(IN_PARALLEL)

test-all: test-packages blender-packages setup-dev setup-docs $(BLENDER_VENV)/.installed $(OPENSIM_VENV)/.installed
	MPM_KILLS=50 MPM_CLIPS=200 MPM_CLUSTER=1 MPM_BLENDER_PYTHON=$(abspath $(BLENDER_VENV)/bin/python) \
		MPM_OPENSIM_PYTHON=$(abspath $(OPENSIM_VENV)/bin/python) $(BIN)/python -m pytest $(IN_PARALLEL)

fuzz: setup-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz

soak: test-packages setup-dev
	xvfb-run -a -s '-screen 0 1280x800x24' $(BIN)/python -m tests.soak

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: setup-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	$(BIN)/python -m tests.docs_site build/site

screenshots: test-packages setup-dev
	xvfb-run -a -s '-screen 0 1280x800x24' $(BIN)/python docs/tour_pictures.py

motion-pictures: test-packages setup
	QT_QPA_PLATFORM=offscreen $(BIN)/python docs/pictures.py $(SHARED)
	xvfb-run -a -s '-screen 0 1280x800x24' $(BIN)/python docs/alternative_pictures.py $(SHARED)

packages:
	@PYTHON=$(PYTHON) sh .ci/debian-packages $(RUN_PACKAGES)

test-packages:
	@PYTHON=$(PYTHON) sh .ci/debian-packages $(TEST_PACKAGES)

blender-packages:
	@PYTHON=$(BLENDER_PYTHON) sh .ci/debian-packages $(BLENDER_PACKAGES)

setup: $(VENV)/.installed
setup-dev: $(VENV)/.installed-dev
setup-docs: $(VENV)/.installed-docs

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(INSTALL) --editable '.[video]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(INSTALL) --editable '.[video,dev]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: $(VENV)/bin/python pyproject.toml constraints.txt
	$(INSTALL) --editable '.[video,docs]'
	@touch $@

$(BLENDER_VENV)/.installed:
	$(BLENDER_PYTHON) -m venv $(BLENDER_VENV)
	$(BLENDER_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --only-binary bpy bpy
	@touch $@

$(OPENSIM_VENV)/.installed:
	$(OPENSIM_PYTHON) -m venv $(OPENSIM_VENV)
	$(OPENSIM_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --only-binary opensim opensim
	@touch $@

clean:
	rm -rf $(VENV) $(BLENDER_VENV) $(OPENSIM_VENV) build dist *.egg-info
