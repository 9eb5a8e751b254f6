# make run   sets everything up and opens the viewer on the demo
# make test  sets everything up and runs all tests
# make lint  style, types and import rules
# make motion-pictures  draws docs/motion-*.png anew, from motion and a video that are not in the repository: SHARED=folder

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# What Qt and OpenGL need on Debian and Ubuntu; the tests add a virtual display.
RUN_PACKAGES := libegl1 libgl1 libglx-mesa0 libgl1-mesa-dri libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 \
	libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libdbus-1-3 libfontconfig1 fonts-dejavu-core
TEST_PACKAGES := $(RUN_PACKAGES) xvfb

SHARED ?= ../shared

.PHONY: run test lint motion-pictures setup setup-dev packages test-packages clean

run: packages setup
	$(BIN)/mpm-viewer

test: test-packages setup-dev
	$(BIN)/python -m pytest

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

motion-pictures: setup
	QT_QPA_PLATFORM=offscreen $(BIN)/python docs/pictures.py $(SHARED)

packages:
	@PYTHON=$(PYTHON) sh .ci/debian-packages $(RUN_PACKAGES)

test-packages:
	@PYTHON=$(PYTHON) sh .ci/debian-packages $(TEST_PACKAGES)

setup: $(VENV)/.installed
setup-dev: $(VENV)/.installed-dev

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(INSTALL) --editable '.[video]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(INSTALL) --editable '.[video,dev]'
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build dist *.egg-info
