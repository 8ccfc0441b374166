"""A small classifier whose penultimate layer is the book's feature space for comparing sets of images without a network."""

from jaxtyping import Float
from torch import Tensor, nn

from imggen_lib.models.blocks import Shape, check_shape


class FeatureNet(nn.Module):
    """Three convolutions and a dense layer of 128 features, then class logits; for images of 28x28 or so.

    ``features(x)`` gives ``(n, 128)``, ``forward(x)`` the logits ``(n, classes)``.
    """

    def __init__(self, image_shape: Shape = (1, 28, 28), classes: int = 10, width: int = 32) -> None:
        super().__init__()
        channels, side, width_of = check_shape(image_shape)
        if side != width_of:
            raise ValueError(f"image_shape must be (channels, side, side) for the feature network, got {image_shape}")
        self.image_shape, self.classes = image_shape, classes
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(2 * width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(2 * width * (side // 8) ** 2, 128), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(128, classes))

    def features(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 128"]:
        """Activations of the dense layer; call ``eval()`` first, as with any network that has BatchNorm."""
        return self.body(x)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k"]:
        return self.head(self.body(x))
