# `make demo` runs the main job, `make test` the tests; each sets up .venv first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
BUNDLE := bundle/iunet_brats_mri/configs

.PHONY: demo demo-ct weights weights-ct weights-hippocampus weights-restoration test monai-label-test lint dist clean
.DELETE_ON_ERROR:

# Progress, tables and errors come to the screen, the log of each step goes to demo/*.log.
# MONAI warns in each run that a config is code; here it is our own.
demo demo-ct weights weights-ct weights-hippocampus weights-restoration: export PYTHONWARNINGS = ignore::UserWarning
# Let the allocator keep the memory of one step for the next, in large pages: twice as fast on a CPU.
demo demo-ct weights weights-ct weights-hippocampus weights-restoration: export MALLOC_MMAP_THRESHOLD_ = 2000000000
demo demo-ct weights weights-ct weights-hippocampus weights-restoration: export MALLOC_TRIM_THRESHOLD_ = 4000000000
demo demo-ct weights weights-ct weights-hippocampus weights-restoration: export THP_MEM_ALLOC_ENABLE = 1
demo: $(READY)
	@echo; echo "1. Simulate brain MRI with tumours: 10 cases to train on, 3 held out."
	$(BIN)/iunet-med simulate demo/train --cases 10
	$(BIN)/iunet-med simulate demo/held-out --cases 3 --seed 1000
	@echo; echo "2. Train an invertible U-Net with reversible backpropagation."
	$(BIN)/python -m monai.bundle run --config_file "['$(BUNDLE)/train.json', 'configs/cpu_demo.json']" \
	    --dataset_dir demo/train --ckpt_dir demo/model --output_dir demo/tensorboard >demo/train.log
	@echo; echo "3. Segment the held-out cases: one NIfTI label map each."
	$(BIN)/python -m monai.bundle run --config_file "['$(BUNDLE)/inference.json', 'configs/cpu_demo.json']" \
	    --dataset_dir demo/held-out --ckpt_dir demo/model --output_dir demo/trained >demo/trained.log
	@echo; echo "4. The same with an untrained network, to compare."
	$(BIN)/python -m monai.bundle run --config_file "['$(BUNDLE)/inference.json', 'configs/cpu_demo.json']" \
	    --dataset_dir demo/held-out --output_dir demo/untrained --untrained True \
	    --initialize '$$monai.utils.set_determinism(seed=0)' >demo/untrained.log
	@echo; echo "5. Compare both with the truth."
	$(BIN)/iunet-med evaluate demo/held-out demo/trained demo/untrained --csv demo/dice.csv --picture demo/overview.png
	@echo; echo "Label maps: demo/trained/*/*_seg.nii.gz   picture: demo/overview.png   Dice: demo/dice.csv   logs: demo/*.log"
	@echo "Curves of the training: $(BIN)/tensorboard --logdir demo/tensorboard"

# The same with CT: five organs on coarse voxels.
demo-ct: CT := bundle/iunet_ct_organs
demo-ct: $(READY)
	@echo; echo "1. Simulate CT of torsos: 10 cases to train on, 3 held out."
	$(BIN)/iunet-med simulate demo/ct/train --kind ct --cases 10 --spacing 4
	$(BIN)/iunet-med simulate demo/ct/held-out --kind ct --cases 3 --spacing 4 --seed 1000
	@echo; echo "2. Train an invertible U-Net with reversible backpropagation."
	$(BIN)/python -m monai.bundle run --config_file "['$(CT)/configs/train.json', 'configs/ct_demo.json']" \
	    --dataset_dir demo/ct/train --ckpt_dir demo/ct/model --output_dir demo/ct/tensorboard >demo/ct/train.log
	@echo; echo "3. Segment the held-out cases: label maps, volumes and HU of each organ, and a report."
	$(BIN)/iunet-med segment demo/ct/held-out --bundle $(CT) --config configs/ct_demo.json \
	    --set checkpoint=demo/ct/model/model.pt --output demo/ct/results
	@echo; echo "4. Compare with the truth."
	$(BIN)/iunet-med evaluate demo/ct/held-out demo/ct/results --layout configs/ct_demo.json \
	    --csv demo/ct/dice.csv --picture demo/ct/overview.png
	@echo; echo "Report: demo/ct/results/report.html   organs: demo/ct/results/summary.csv   picture: demo/ct/overview.png"

# The mean of the weights before and after a last round, with the settings of the latter: surer on scans unlike those of the round
# than either (Wortsman et al. 2022, https://arxiv.org/abs/2109.01903).
define AVERAGE
import json, sys, torch
from iunet_med.trained_with import keep_settings
before, after = (torch.load(path, weights_only=True) for path in sys.argv[1:3])
mean = {name: torch.lerp(before[name], one, 0.5) if one.is_floating_point() else one for name, one in after.items()}
torch.save(mean, sys.argv[3])
keep_settings(sys.argv[3], json.load(open(sys.argv[2].replace(".pt", ".json"))))
endef
export AVERAGE

# The weights that the bundle ships, from simulated brains, in three rounds. They start from the MNI152 template, and from label maps in
# ANATOMIES and heads without tumour in SCANS, folders of your own, where these are given.
weights: SHELL := /bin/bash # its `time` tells the processor's time
weights: WIDENED = --realism domain-random $(if $(ANATOMIES),--anatomies "$(ANATOMIES)") $(if $(SCANS),--scans "$(SCANS)")
weights: $(READY)
	$(BIN)/iunet-med simulate weights/first --cases 220 --seed 40000 $(WIDENED)
	$(BIN)/iunet-med simulate weights/second --cases 150 --seed 60000 $(WIDENED)
	$(BIN)/iunet-med simulate weights/train --cases 150 --seed 90000 $(WIDENED)
	$(BIN)/iunet-med simulate weights/held-out --cases 12 --seed 50000 $(WIDENED)
	time $(BIN)/python -m monai.bundle run --config_file "['$(BUNDLE)/train.json', 'configs/simulated_weights.json']" \
	    --dataset_dir weights/first --ckpt_dir weights/first-model --output_dir weights/tensorboard >weights/first.log
	time $(BIN)/python -m monai.bundle run --config_file \
	    "['$(BUNDLE)/train.json', 'configs/simulated_weights.json', 'configs/simulated_weights_2.json']" \
	    --pretrained weights/first-model/model.pt \
	    --dataset_dir weights/second --ckpt_dir weights/second-model --output_dir weights/tensorboard >weights/second.log
	time $(BIN)/python -m monai.bundle run --config_file "['$(BUNDLE)/train.json', 'configs/simulated_weights.json', \
	    'configs/simulated_weights_2.json', 'configs/simulated_weights_3.json']" \
	    --pretrained weights/second-model/model.pt \
	    --dataset_dir weights/train --ckpt_dir weights/model --output_dir weights/tensorboard >weights/train.log
	mkdir -p weights/averaged
	$(BIN)/python -c "$$AVERAGE" weights/second-model/model.pt weights/model/model.pt weights/averaged/model.pt
	$(BIN)/python -m monai.bundle run --config_file "['$(BUNDLE)/inference.json', '$(BUNDLE)/evaluate.json']" \
	    --dataset_dir weights/held-out --empty_labels True --ckpt_dir weights/averaged --output_dir weights/held-out-results
	cp weights/averaged/model.pt weights/averaged/model.json $(BUNDLE)/../models/
	$(BIN)/iunet-med familiarity weights/train --bundle iunet_brats_mri

# The weights of the CT bundle, from simulated torsos, in four rounds; half of the last round's are made from the real CTs in CT_SCANS,
# a labelled data set of your own, where it is given.
weights-ct: CT := bundle/iunet_ct_organs
weights-ct: $(READY)
	$(BIN)/iunet-med simulate weights/ct/train --kind ct --cases 170 --seed 20000
	$(BIN)/iunet-med simulate weights/ct/others --kind ct --cases 139 --seed 70000
	$(BIN)/iunet-med simulate weights/ct/last --kind ct --cases 150 --seed 80000 $(if $(CT_SCANS),--scans "$(CT_SCANS)")
	$(BIN)/iunet-med simulate weights/ct/held-out --kind ct --cases 6 --seed 30000
	$(BIN)/python -m monai.bundle run --config_file "['$(CT)/configs/train.json', 'configs/ct_simulated_weights.json']" \
	    --dataset_dir weights/ct/train --ckpt_dir weights/ct/first --output_dir weights/ct/tensorboard >weights/ct/first.log
	$(BIN)/python -m monai.bundle run --config_file \
	    "['$(CT)/configs/train.json', 'configs/ct_simulated_weights.json', 'configs/ct_simulated_weights_2.json']" \
	    --pretrained weights/ct/first/model.pt \
	    --dataset_dir weights/ct/train --ckpt_dir weights/ct/second --output_dir weights/ct/tensorboard >weights/ct/second.log
	$(BIN)/python -m monai.bundle run --config_file "['$(CT)/configs/train.json', 'configs/ct_simulated_weights.json', \
	    'configs/ct_simulated_weights_2.json', 'configs/ct_simulated_weights_3.json']" \
	    --pretrained weights/ct/second/model.pt \
	    --dataset_dir weights/ct/others --ckpt_dir weights/ct/third --output_dir weights/ct/tensorboard >weights/ct/third.log
	$(BIN)/python -m monai.bundle run --config_file "['$(CT)/configs/train.json', 'configs/ct_simulated_weights.json', \
	    'configs/ct_simulated_weights_2.json', 'configs/ct_simulated_weights_3.json', 'configs/ct_simulated_weights_4.json']" \
	    --pretrained weights/ct/third/model.pt \
	    --dataset_dir weights/ct/last --ckpt_dir weights/ct/fourth --output_dir weights/ct/tensorboard >weights/ct/fourth.log
	cp weights/ct/fourth/model.pt weights/ct/fourth/model.json $(CT)/models/
	$(BIN)/iunet-med familiarity weights/ct/last --bundle iunet_ct_organs
	$(BIN)/python -m monai.bundle run --config_file "['$(CT)/configs/inference.json', '$(CT)/configs/evaluate.json']" \
	    --dataset_dir weights/ct/held-out --output_dir weights/ct/held-out-results

# The weights of the hippocampus bundle, from all cases of DATA, a folder of Task04_Hippocampus; then what they look like.
weights-hippocampus: HIPPOCAMPUS := bundle/iunet_hippocampus_mri
weights-hippocampus: $(READY)
	test -d "$(DATA)" || { echo "Expected make weights-hippocampus DATA=Task04_Hippocampus, the Decathlon's folder."; exit 2; }
	$(BIN)/python -m monai.bundle run --config_file $(HIPPOCAMPUS)/configs/train.json \
	    --dataset_dir "$(DATA)" --validation_fraction 0 --val_interval 10 --ckpt_dir weights/hippocampus --output_dir weights/tensorboard
	cp weights/hippocampus/model.pt weights/hippocampus/model.json $(HIPPOCAMPUS)/models/
	$(BIN)/iunet-med familiarity "$(DATA)" --bundle iunet_hippocampus_mri

# The weights of the restoration bundle, from simulated foam.
weights-restoration: RESTORATION := bundle/iunet_ct_restoration
weights-restoration: $(READY)
	$(BIN)/iunet-med simulate weights/foam/train --kind foam --cases 20 --seed 100
	$(BIN)/iunet-med simulate weights/foam/held-out --kind foam --cases 4 --seed 2000
	$(BIN)/python -m monai.bundle run --config_file $(RESTORATION)/configs/train.json --dataset_dir weights/foam/train \
	    --ckpt_dir weights/foam/model --output_dir weights/foam/tensorboard --max_epochs 15
	cp weights/foam/model/model.pt weights/foam/model/model.json $(RESTORATION)/models/
	$(BIN)/python -m monai.bundle run --config_file "['$(RESTORATION)/configs/inference.json', '$(RESTORATION)/configs/evaluate.json']" \
	    --dataset_dir weights/foam/held-out --output_dir weights/foam/held-out-results

# A process per core, of four at most, with one thread each.
test: export OMP_NUM_THREADS = 1
test: $(READY)
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

# The real server of MONAI Label, in an environment of its own: it needs older versions of numpy and pydicom. With Orthanc
# installed (apt install orthanc orthanc-dicomweb) it is tried on DICOMweb, too.
LABEL_VENV := .venv-monai-label
monai-label-test: export OMP_NUM_THREADS = 1
monai-label-test: $(READY) $(LABEL_VENV)/.ready
	MONAI_LABEL_PYTHON=$(LABEL_VENV)/bin/python $(BIN)/python -m pytest tests/monai_label

$(LABEL_VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(LABEL_VENV)
	$(LABEL_VENV)/bin/pip install --quiet torch==2.13.0 setuptools wheel
	SAM2_BUILD_CUDA=0 $(LABEL_VENV)/bin/pip install --quiet --no-build-isolation torch==2.13.0 monailabel==0.8.5 monai==1.6.1 'pydicom<3'
	$(LABEL_VENV)/bin/pip install --quiet torch==2.13.0 'numpy<2' 'pydicom<3' dcmqi python-gdcm --editable .
	$(LABEL_VENV)/bin/python -c "import torchvision" 2>/dev/null || cp tests/monai_label/sitecustomize.py "$$($(LABEL_VENV)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
	@touch $@

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Builds the sdist and the wheel, installs each in an empty environment, and uses it from an empty folder.
dist: export PYTHONWARNINGS = ignore::UserWarning
dist: $(READY)
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	$(PYTHON) -m venv dist/venv
	dist/venv/bin/pip install --quiet --constraint constraints.txt torch
	dist/venv/bin/pip install --quiet --constraint constraints.txt dist/*.tar.gz
	dist/venv/bin/pip install --quiet --no-deps --force-reinstall dist/*.whl
	mkdir dist/folder
	$(BIN)/iunet-med simulate dist/folder/scans --cases 1 --spacing 4
	cd dist/folder && ../venv/bin/iunet-med --version && ../venv/bin/iunet-med bundle
	cd dist/folder && ../venv/bin/iunet-med segment scans --output results
	cd dist/folder && ../venv/bin/iunet-med bundle iunet_brats_mri
	cd dist/folder && ../venv/bin/python -m monai.bundle run --config_file bundle/iunet_brats_mri/configs/inference.json \
	    --dataset_dir scans --output_dir run >run.log 2>&1 || { cat run.log; exit 1; }
	cd dist/folder && ../venv/bin/python -c 'import sys, nibabel; from pathlib import Path; \
	    maps = [nibabel.load(next(Path(f).glob("*/*_seg.nii.gz"))).get_fdata() for f in ("results", "run")]; \
	    print("voxels labelled by segment and by monai.bundle:", *[int((m > 0).sum()) for m in maps]); \
	    sys.exit(not all(m.any() for m in maps))'

# torch comes first, so that no dependency of another package replaces the pinned build.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v <= (3, 13) else "Expected Python 3.10 to 3.13, got %d.%d; run make PYTHON=python3.12, say." % v)'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing; install it with: sudo apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) demo build dist .pytest_cache .ruff_cache .mypy_cache *.egg-info
