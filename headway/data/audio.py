"""Sound: .wav files as samples, another rate, and the picture of frequencies that Whisper hears."""

from __future__ import annotations

import math
import struct
from fractions import Fraction
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from headway.base.errors import Corrupt, HeadwayError, Unsupported
from headway.base.reading import read_json_object

RATE = 16000
"""Samples per second that Whisper was trained on."""

RATES = range(1000, 768_001)
"""Samples per second that a file may have; telephones have 8,000, the finest recordings 768,000."""
LONGEST = 3 * 3600
"""Seconds."""
MOST = 200_000_000
"""Samples of all channels: 3 hours at Whisper's rate, more than half an hour of a stereo disc."""
LARGEST = 8 * MOST
"""Bytes of the largest file that can hold as many."""

FRAME, HOP = 400, 160
"""Samples of a frame (25 ms), and from one frame to the next (10 ms)."""


def load_sound(path: Path | str, rate: int = RATE) -> Float[Tensor, " n"]:
    """A .wav file as one channel of float32 samples in [-1, 1], at `rate` samples per second."""
    samples, own = read_wave(path)
    return resample(samples.mean(0), own, rate)


def read_wave(path: Path | str) -> tuple[Float[Tensor, "c n"], int]:
    """The samples of a .wav file in [-1, 1], one row per channel, and how many there are in a second.

    Integers of 8, 16, 24 and 32 bits and floats of 32 and 64 are read. A header that promises more than there is (a
    recording that was cut off, a pipe) is taken for what is there. Read are up to `MOST` samples at `RATES` a second.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            raw = file.read(LARGEST + 1)
    except (FileNotFoundError, IsADirectoryError):
        raise HeadwayError(f"there is no file {path}") from None
    if raw[:4] != b"RIFF" or raw[8:12] != b"WAVE":
        raise Unsupported(
            f"{path} is no .wav file: convert it first, for example with `ffmpeg -i {path.name} sound.wav`"
        )
    at, form, data = 12, None, None
    while at + 8 <= len(raw) and data is None:
        name, size = struct.unpack_from("<4sI", raw, at)
        if name == b"fmt ":
            form = raw[at + 8 : at + 8 + size]
        elif name == b"data":
            data = raw[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    if form is None or len(form) < 16 or data is None:
        raise Corrupt(f"{path} is no whole .wav file: its header ends early")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", form)
    if kind == 0xFFFE and len(form) >= 26:  # the kind stands further on
        (kind,) = struct.unpack_from("<H", form, 24)
    if kind not in (1, 3) or bits not in ((8, 16, 24, 32) if kind == 1 else (32, 64)) or not channels or not rate:
        raise Unsupported(f"{path} is a .wav file of a kind that is not read here (format {kind}, {bits} bits)")
    if rate not in RATES:
        raise Unsupported(
            f"{path} says that it has {rate} samples a second: read are {RATES.start:,} to {RATES.stop - 1:,}"
        )
    if len(data) // (bits // 8) > MOST or len(data) // (channels * bits // 8) > LONGEST * rate:
        raise HeadwayError(
            f"{path} is too long: up to {LONGEST // 3600} hours and {MOST // 10**6} million samples are read"
        )
    whole = len(data) // (channels * bits // 8) * (channels * bits // 8)
    if not whole:
        raise HeadwayError(f"{path} holds no sound")
    samples = _samples(bytearray(data[:whole]), kind, bits)
    if not samples.isfinite().all():
        raise Corrupt(f"{path} has samples that are no numbers: convert it from its source again")
    return samples.view(-1, channels).t().contiguous(), rate


def _samples(data: bytearray, kind: int, bits: int) -> Tensor:
    if kind == 3:
        return torch.frombuffer(data, dtype=torch.float32 if bits == 32 else torch.float64).float()
    if bits == 8:  # the only one without a sign
        return (torch.frombuffer(data, dtype=torch.uint8).float() - 128) / 128
    if bits == 24:
        parts = torch.frombuffer(data, dtype=torch.uint8).view(-1, 3).to(torch.int32)
        value = parts[:, 0] | parts[:, 1] << 8 | parts[:, 2] << 16
        return (value - ((value & 0x800000) << 1)).float() / 2**23
    whole = torch.frombuffer(data, dtype=torch.int16 if bits == 16 else torch.int32)
    return (whole.double() / 2 ** (bits - 1)).float()


def resample(x: Float[Tensor, " n"], old: int, new: int, *, zeros: int = 16) -> Float[Tensor, " m"]:
    """The same sound at another rate: each new sample is a sum of old ones, weighed by a windowed sinc.

    Frequencies that the lower of the two rates cannot hold are taken out.

    Args:
        x: Samples at `old` per second.
        zeros: Zeros of the sinc on each side; more make the cut-off sharper.
    """
    if old < 1 or new < 1:
        raise HeadwayError(f"a rate is a number of samples per second, not {old} and {new}")
    # `up` new samples for `down` old ones, over and over; odd rates are met to a few parts in a million.
    up, down = Fraction(new, old).limit_denominator(1000).as_integer_ratio()
    if down == up:
        return x
    cutoff = 0.97 * min(1.0, up / down)  # as a share of the old Nyquist frequency
    reach = math.ceil(zeros / cutoff)
    # Where the new samples of one period lie between the old ones, and how far away each old one is.
    place = torch.arange(up, dtype=torch.float64) * down / up
    distance = place[:, None] - torch.arange(-reach, down + reach, dtype=torch.float64)
    window = torch.where(distance.abs() < reach, torch.cos(distance / reach * math.pi / 2) ** 2, 0.0)
    weights = cutoff * torch.sinc(cutoff * distance) * window
    length = math.ceil(len(x) * up / down)
    padded = F.pad(x, (reach, reach + down))
    y = F.conv1d(padded[None, None], weights[:, None].to(x.dtype), stride=down)[0]
    return y.t().flatten()[:length]


def mel_filters(mels: int, *, rate: int = RATE, frame: int = FRAME) -> Float[Tensor, "mels bins"]:
    """Triangles over the bins of a Fourier transform, evenly spaced on Slaney's mel scale, each of area one.

    Up to 1,000 Hz the scale is linear (3 mel per 200 Hz); above, 27 mel are a factor of 6.4.
    """
    to_mel = 15.0 + math.log(rate / 2 / 1000.0) * 27 / math.log(6.4) if rate > 2000 else 3 * rate / 400
    edges = torch.linspace(0.0, to_mel, mels + 2, dtype=torch.float64)
    hertz = torch.where(edges < 15, 200.0 * edges / 3, 1000.0 * torch.exp((edges - 15) * math.log(6.4) / 27))
    bins = torch.linspace(0.0, rate / 2, frame // 2 + 1, dtype=torch.float64)
    width = hertz.diff()
    slopes = hertz[:, None] - bins
    rise, fall = -slopes[:-2] / width[:-1, None], slopes[2:] / width[1:, None]
    triangles = torch.minimum(rise, fall).clamp(min=0)
    return (triangles * (2.0 / (hertz[2:] - hertz[:-2]))[:, None]).float()


def log_mel(samples: Float[Tensor, "*b n"], *, mels: int = 80, seconds: int | None = 30) -> Float[Tensor, "*b mels s"]:
    """What Whisper hears: log10 of the power in each band, 100 frames a second (arXiv 2212.04356, section 2.2).

    Args:
        samples: At 16,000 per second, in [-1, 1].
        mels: Bands; 80, or 128 for large-v3.
        seconds: The sound is cut to this length, or filled up with silence; None leaves it as it is.

    The loudest band and 8 decades below it fill the range; what is quieter is raised to that. Then (x + 4) / 4.
    """
    if seconds is not None:
        samples = F.pad(samples, (0, max(0, seconds * RATE - samples.shape[-1])))[..., : seconds * RATE]
    if samples.shape[-1] <= FRAME // 2:
        raise HeadwayError(f"a sound needs more than {FRAME // 2} samples, not {samples.shape[-1]}")
    window = torch.hann_window(FRAME, dtype=samples.dtype, device=samples.device)
    flat = samples.reshape(-1, samples.shape[-1])
    power = torch.stft(flat, FRAME, HOP, window=window, return_complex=True)[..., :-1].abs().square()
    bands = mel_filters(mels).to(samples) @ power
    log = bands.clamp(min=1e-10).log10()
    log = torch.maximum(log, log.amax((-2, -1), keepdim=True) - 8.0)
    return ((log + 4.0) / 4.0).view(*samples.shape[:-1], mels, -1)


HEARD = {
    "feature_extractor_type": ("WhisperFeatureExtractor", "WhisperFeatureExtractorFast"),
    "sampling_rate": (RATE,),
    "n_fft": (FRAME,),
    "hop_length": (HOP,),
    "chunk_length": (30,),
    "n_samples": (30 * RATE,),
    "nb_max_frames": (30 * RATE // HOP,),
    "padding_value": (0,),
    "dither": (0,),
    "padding_side": ("right",),
}
"""What a preprocessor_config.json may say about sound, and what `log_mel` does."""

UNHEARD = frozenset(
    {
        "processor_class",
        "return_attention_mask",
        "mel_filters",
        "do_normalize",
        "image_processor_type",
        "tokenizer_class",
    }
)
"""Keys that `transformers` does not look at either: the filters are computed from the others."""


def check_extractor(folder: Path, mels: int) -> None:
    """Refuse, by its name, what a folder says about sound that `log_mel` with `mels` bands does not do.

    It stands in processor_config.json, in the part that is about sound, or else in preprocessor_config.json.
    """
    facts, path = None, folder / "processor_config.json"
    if path.is_file():
        facts = read_json_object(path).get("feature_extractor")
    if facts is None and (path := folder / "preprocessor_config.json").is_file():
        facts = read_json_object(path)
    if facts is None:
        return
    if not isinstance(facts, dict):
        raise Corrupt(f"{path} says nothing about sound that can be read: fetch it again")
    for key, value in facts.items():
        allowed = (mels,) if key == "feature_size" else HEARD.get(key)
        if key in UNHEARD or value is None or (allowed is None and value in (False, "", [], {})):
            continue
        if allowed is None:
            raise Unsupported(f"{path} sets {key} to {value!r:.60}, which Headway does not know")
        if isinstance(value, bool) or value not in allowed:
            raise Unsupported(f"{path} sets {key} to {value!r:.60}; Headway has {allowed[0]!r} for this model")
