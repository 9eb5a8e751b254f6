"""The networks by name, and how one is made from its config."""

from __future__ import annotations

from collections.abc import Mapping

from mpm_core.networks.base import NetworkConfig, PoseNetwork
from mpm_core.networks.denoiser import Denoiser
from mpm_core.networks.mpm import MPM
from mpm_core.networks.stmo import STMO
from mpm_core.networks.tcn import TCN

NETWORKS: Mapping[str, type[PoseNetwork]] = {network.name: network for network in (MPM, TCN, STMO, Denoiser)}


def build_network(config: NetworkConfig) -> PoseNetwork:
    """An untrained network of the kind and the sizes that the config says."""
    for network in NETWORKS.values():
        if type(config) is network.config_class:
            return network(config)
    raise TypeError(f"no network is made from a {type(config).__name__}")
