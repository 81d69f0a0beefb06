"""One run in several processes, against the same run in one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from methods.core import parallel, trainer
from methods.core.contract import Batch, Schedule, TrainedMethod, load_method
from methods.core.encoder import Encoder
from methods.core.text import TokenTable
from pipelines import launch, params
from pipelines.params import Train

SENTENCES = [f"{a} {b} {c}" for a in ("man", "dog", "cat") for b in ("eats", "rides") for c in ("a", "big", "thee")]
RECIPE = Train(sentences=17, batch_size=8, epochs=2, lr=1e-3, select="last")  # the last batch of an epoch holds one
MOMENTUM = {"queue_size": 20, "initial_fill": 6, "fgsm_epsilon": 0.02, "embedding_dropout": 0.0}


class Plain(TrainedMethod):
    """A method that knows of no processes, and whose last layer follows where others gather."""

    label = "plain"

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        return self.encoder(batch.ids, batch.mask).square().mean(), {}


def cases() -> dict[str, tuple[type[TrainedMethod], dict[str, Any]]]:
    found: dict[str, tuple[type[TrainedMethod], dict[str, Any]]] = {"plain": (Plain, {})}
    for name in params.method_names():
        kind = load_method(name)
        if issubclass(kind, TrainedMethod):
            settings = MOMENTUM if "queue_size" in kind.Settings.model_fields else {}
            noise = {"noise_times": 0.0} if "noise_times" in kind.Settings.model_fields else {}  # drawn, as dropout is
            found[name] = (kind, {**settings, **noise})
    kind = found["mocose"][0]
    found["present gradient"] = (kind, {**MOMENTUM, "fgsm_gradient": "present"})
    found["clusters"] = (kind, {**MOMENTUM, "queue_clusters": 3, "in_batch_negatives": True})
    return found


CASES = cases()


def build(case: str, encoder: Encoder, dtype: torch.dtype, dropout: bool) -> TrainedMethod:
    kind, settings = CASES[case]
    torch.manual_seed(0)
    schedule = Schedule(6, RECIPE.batch_size, 16, RECIPE.sentences)
    method = kind(encoder, kind.Settings(**settings), schedule).to(dtype)
    for module in method.modules() if not dropout else ():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if hasattr(module, "heads"):  # attention keeps its share of dropout as a number
            module.dropout = 0.0
    return method


def teacher() -> Any:
    rows = torch.randn(RECIPE.sentences, 8, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.normalize(rows).half().numpy()


def trained(case: str, folder: str, dtype: torch.dtype, *, dropout: bool = False) -> dict[str, Tensor]:
    """The losses of a run, and all of the method's state at its end."""
    encoder = Encoder.load(folder)
    method = build(case, encoder, dtype, dropout)
    tokens = TokenTable(SENTENCES[: RECIPE.sentences], encoder.tokenizer, 16)
    history = trainer.train(method, tokens, RECIPE, seed=0, look=None, teacher=teacher())
    state = {name: tensor.clone() for name, tensor in method.state_dict().items()}
    return {"losses": torch.tensor([row["loss"] for row in history.rows], dtype=torch.float64), **state}


def gradients(case: str, folder: str) -> dict[str, Tensor]:
    """Of the first batch, by every weight."""
    encoder = Encoder.load(folder)
    method = build(case, encoder, torch.float64, dropout=False).train()
    tokens = TokenTable(SENTENCES[:7], encoder.tokenizer, 16)
    ids, mask = tokens.batch(torch.arange(7).numpy())
    loss, _ = method(Batch(ids, mask, torch.arange(7), torch.from_numpy(teacher()[:7])))
    loss.backward()
    parallel.average_gradients(method)
    return {name: p.grad.clone() for name, p in method.named_parameters() if p.grad is not None}


def everything(folder: str, out: str) -> None:
    """What the tests compare, of every case, a file of this process's own."""
    found: dict[str, Tensor] = {}
    for case in CASES:
        parts = {
            "float64": trained(case, folder, torch.float64),
            "float32": {"losses": trained(case, folder, torch.float32)["losses"]},
            "gradients": gradients(case, folder),
        }
        if parallel.processes() > 1:  # their masks are no single process's
            parts["dropout"] = trained(case, folder, torch.float32, dropout=True)
        found |= {f"{case}/{part}/{name}": tensor for part, own in parts.items() for name, tensor in own.items()}
    rows = torch.arange(5)[:, None]
    torch.manual_seed(0)
    found["masks"] = parallel.embed(lambda ids, _: torch.rand(len(ids), 4), rows, rows)
    found["after"] = torch.rand(4)
    save_file({name: tensor.contiguous() for name, tensor in found.items()}, Path(out) / str(parallel.rank()))


Found = Callable[[str, str], dict[str, Tensor]]


def part(found: dict[str, Tensor], case: str, name: str) -> dict[str, Tensor]:
    prefix = f"{case}/{name}/"
    return {key.removeprefix(prefix): tensor for key, tensor in found.items() if key.startswith(prefix)}


@pytest.fixture(scope="module")
def alone(tiny_encoder_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    out = tmp_path_factory.mktemp("alone")
    everything(str(tiny_encoder_folder), str(out))
    return load_file(out / "0")


@pytest.fixture(scope="module", params=[2, 3])
def together(
    request: pytest.FixtureRequest, tiny_encoder_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Tensor]]:
    out = tmp_path_factory.mktemp("together")
    launch.together(request.param, everything, str(tiny_encoder_folder), str(out))
    return [load_file(out / str(place)) for place in range(request.param)]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_joint_batch_has_the_loss_and_the_gradients_of_one_process(
    case: str, alone: dict[str, Tensor], together: list[dict[str, Tensor]]
) -> None:
    """Also where a share is empty, and at the end of six steps: weights, queue, averages and counters."""
    for own in together:
        for name in ("gradients", "float64"):
            ours, expected = part(own, case, name), part(alone, case, name)
            assert ours.keys() == expected.keys()
            for key, value in expected.items():
                if key == "augmentation.gradient":  # its sign alone is asked for, and its factor is another
                    torch.testing.assert_close(ours[key].sign(), value.sign(), msg=key)
                else:
                    torch.testing.assert_close(ours[key], value, rtol=1e-7, atol=1e-9, msg=key)
        ours, expected = part(own, case, "float32"), part(alone, case, "float32")
        torch.testing.assert_close(ours["losses"], expected["losses"], rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_processes_stay_in_step_to_the_last_bit(case: str, together: list[dict[str, Tensor]]) -> None:
    """Under dropout, where each draws masks of its own."""
    first, *others = (part(own, case, "dropout") for own in together)
    for other in others:
        assert other.keys() == first.keys()
        assert all(torch.equal(other[key], value) for key, value in first.items())


@pytest.mark.slow
def test_each_process_draws_its_own_masks_and_all_draw_the_rest_alike(together: list[dict[str, Tensor]]) -> None:
    masks = together[0]["masks"]
    assert masks.unique().numel() == masks.numel() == 20
    for own in together:
        assert torch.equal(own["masks"], masks)
        assert torch.equal(own["after"], together[0]["after"])
