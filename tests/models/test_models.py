import pytest
import torch
from torch import nn

from gengap.errors import UserError
from gengap.ghost import GhostBatchNorm1d, GhostBatchNorm2d, convert
from gengap.models import MODELS, build


@pytest.mark.parametrize(
    ("name", "classes", "parameters"),
    [  # the released code's and Keskar et al.'s counts; vgg and c2 by arithmetic below
        ("f1", 10, 1_462_794),
        ("c1", 10, 1_388_490),
        ("c3", 100, 1_405_860),
        ("resnet44", 10, 661_338),
        ("wresnet16_4", 100, 2_800_804),
        ("alexnet", 1000, 61_110_184),
        ("vgg", 10, 14_710_464 + 2 * 4224 + 5130),
        ("c2", 10, 14_710_464 + 3 * 4224 + 512 * 512 + 3 * 512 + 5130),
        ("c4", 100, 14_710_464 + 3 * 4224 + 512 * 512 + 3 * 512 + 51_300),
        ("keskar_c1", 10, 64 * (76 + 1601) + 4 * 64 + 384 * 4097 + 192 * 385 + 2 * 576 + 1930),
        ("keskar_c3", 100, 64 * (76 + 1601) + 4 * 64 + 384 * 4097 + 192 * 385 + 2 * 576 + 19_300),
    ],
)
def test_networks_have_the_published_number_of_parameters(name, classes, parameters):
    with torch.device("meta"):
        model = build(name, classes)
    assert sum(p.numel() for p in model.parameters()) == parameters


@pytest.mark.parametrize("name", MODELS)
def test_networks_map_images_to_logits_with_ghosts_and_without(name):
    shape = {"f1": (1, 28, 28), "alexnet": (3, 224, 224)}.get(name, (3, 32, 32))
    model = build(name, 7)
    images = torch.randn(4, *shape)
    assert model(images).shape == (4, 7)
    norms = [m for m in model.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]
    convert(model, 2)
    assert norms
    assert all(isinstance(m, (GhostBatchNorm1d, GhostBatchNorm2d)) for m in norms)
    model(images).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_resnet44_has_44_layers_and_projects_at_the_two_stage_changes_only():
    model = build("resnet44", 10)
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    kernels = [m.kernel_size[0] for m in convolutions]
    assert kernels.count(3) + 1 == 44  # and one Linear
    assert kernels.count(1) == 2
    assert all(m.bias is None for m in convolutions)


@pytest.mark.parametrize("name", ["resnet44", "wresnet16_4", "vgg"])
def test_convolutions_are_he_initialized_by_fan_out(name):
    torch.manual_seed(0)
    for module in build(name, 10).modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 2000:
            expected = (2 / (module.kernel_size[0] ** 2 * module.out_channels)) ** 0.5
            spread = expected / (2 * module.weight.numel()) ** 0.5  # standard error of a standard deviation
            assert abs(float(module.weight.detach().std()) - expected) < 5 * spread


def test_keskar_s_networks_have_the_released_layers():
    def sequence(name):
        return " ".join(
            f"{m.p:g}" if isinstance(m, nn.Dropout) else type(m).__name__[:4]
            for m in build(name, 10)
            if not isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d | nn.Flatten)
        )

    conv, dense = "Conv ReLU", "Line ReLU 0.5"
    assert sequence("keskar_c1") == f"{conv} MaxP {conv} MaxP {dense} {dense} Line"
    three = f"{conv} 0.4 {conv} 0.4 {conv} MaxP"
    two = [f"{conv} {p} {conv} MaxP" for p in ("0.3", "0.4")]
    assert sequence("c2") == f"{two[0]} {two[1]} {three} {three} {three} 0.5 {dense} Line"


def test_keskar_s_networks_have_keras_s_initial_weights():
    torch.manual_seed(0)
    for name in ("keskar_c1", "c2"):
        for module in build(name, 10):
            if isinstance(module, nn.Conv2d | nn.Linear):
                fan_in, fan_out = (n * module.weight[0, 0].numel() for n in module.weight.shape[1::-1])
                bound = (6 / (fan_in + fan_out)) ** 0.5
                assert 0.99 * bound < float(module.weight.detach().abs().max()) <= bound
                assert not module.bias.any()


def test_a_user_s_own_network_is_named_by_its_factory():
    model = build("tests.networks:with_dropout", 3, in_features=8, width=5)
    assert model(torch.randn(2, 8)).shape == (2, 3)


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("resnet45", {}, "did you mean model.name=resnet44"),
        ("transformer", {}, "one of f1, c1"),
        ("tests.networks:absent", {}, "can't be imported"),
        ("no.such.module:factory", {}, "can't be imported"),
        ("f1", {"widht": 3}, "model.options"),
    ],
)
def test_networks_that_cannot_be_built_are_the_user_s_mistake(name, options, says):
    with pytest.raises(UserError, match=says):
        build(name, 10, **options)


@pytest.mark.parametrize(
    ("factory", "options"),
    [
        ("keyword_only", {}),
        ("positional_only", {}),
        ("other_name", {"width": 3}),
        ("after_its_options", {"width": 3}),
        ("any_keyword", {}),
        ("named_model", {"name": "small"}),
    ],
)
def test_number_of_classes_reaches_every_factory_that_shows_where(factory, options):
    model = build(f"tests.networks:{factory}", 7, **options)
    assert model[-1].out_features == 7


@pytest.mark.parametrize("factory", ["two_numbers", "named_model"])
def test_factory_that_does_not_show_its_number_of_classes_is_told_what_to_take(factory):
    with pytest.raises(UserError, match="name it num_classes"):
        build(f"tests.networks:{factory}", 7)


def test_factory_without_arguments_is_told_what_to_take():
    with pytest.raises(UserError, match="no_number takes no arguments: let it take num_classes"):
        build("tests.networks:no_number", 7)


def test_torchvision_network_is_built_without_a_download(monkeypatch):
    monkeypatch.setattr("torch.hub.load_state_dict_from_url", lambda *_, **__: pytest.fail("download"))
    monkeypatch.setattr(
        "torchvision.models._api.load_state_dict_from_url", lambda *_, **__: pytest.fail("download")
    )
    with torch.device("meta"):
        assert build("torchvision.models:resnet18", 7).fc.out_features == 7
        assert build("torchvision.models:get_model", 7, name="resnet18").fc.out_features == 7
