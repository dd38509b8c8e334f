"""Whisper equals `WhisperForConditionalGeneration`, its ear the feature extractor; tiny.en writes down what espeak-ng says."""

from __future__ import annotations

import contextlib
import math
import shutil
import struct
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers as hf
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hf import DOUBLE, SINGLE, check_round_trip, ours_from, reference
from support.parity import assert_close, assert_gradients_close, gradients_in_our_names, lifted
from transformers import WhisperConfig, WhisperForConditionalGeneration

from headway.base.errors import Corrupt, HeadwayError, Unsupported
from headway.base.sources import SOURCES, fetch, state
from headway.data.audio import RATE, load_sound, log_mel, mel_filters, read_wave, resample
from headway.models.whisper import frame_positions
from headway.sample.transcribe import SpeechPrompt, pieces, transcribe
from headway.tokens.pretrained import PretrainedTokenizer
from headway.weights.ctranslate2 import CTranslate2
from headway.weights.store import export_folder, load_folder

few = settings(max_examples=4, deadline=None)


@st.composite
def configs(draw):
    n_head, half = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    width = 2 * n_head * max(half, 2 if n_head == 1 else 1)
    vocab_size, ff_width = draw(st.integers(5, 30)), draw(st.integers(3, 20))
    return WhisperConfig(
        vocab_size=vocab_size,
        d_model=width,
        encoder_layers=draw(st.integers(1, 3)),
        decoder_layers=draw(st.integers(1, 3)),
        encoder_attention_heads=n_head,
        decoder_attention_heads=n_head,
        encoder_ffn_dim=ff_width,
        decoder_ffn_dim=ff_width,
        num_mel_bins=draw(st.integers(1, 9)),
        max_source_positions=draw(st.integers(1, 12)),
        max_target_positions=20,
        pad_token_id=None,
        bos_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=2,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )


@few
@given(config=configs(), b=st.integers(1, 3), t=st.integers(1, 14), seed=st.integers(0, 99), data=st.data())
def test_logits_states_and_gradients(config, b, t, seed, data):
    generator = torch.Generator().manual_seed(seed)
    frames = torch.randn(
        b, config.num_mel_bins, 2 * config.max_source_positions, generator=generator, dtype=torch.float64
    )
    tokens = torch.randint(0, config.vocab_size, (b, t), generator=generator)
    mask = torch.arange(t) < t - torch.tensor([data.draw(st.integers(0, t - 1)) for _ in range(b)])[:, None]
    for dtype, tolerance in ((torch.float64, DOUBLE), (torch.float32, SINGLE)):
        theirs = reference(WhisperForConditionalGeneration, config, dtype, seed)
        model, rows = ours_from(theirs, dtype)
        with lifted() if dtype == torch.float64 else contextlib.nullcontext():
            out = theirs(
                frames.to(dtype), decoder_input_ids=tokens, decoder_attention_mask=mask.long(), use_cache=False
            )
        pull = (torch.randn(out.logits.shape, generator=generator, dtype=torch.float64) * mask[..., None]).to(dtype)
        got = model(frames.to(dtype), tokens, mask=mask)
        assert_close(got[mask], out.logits[mask], tolerance, f"logits in {dtype}")
        assert_close(model.encode(frames.to(dtype)), out.encoder_last_hidden_state, tolerance)
        if dtype == torch.float64:
            (out.logits * pull).sum().backward()
            (got * pull).sum().backward()
            gradients = {
                name: parameter.grad for name, parameter in theirs.named_parameters() if parameter.requires_grad
            }
            assert_gradients_close(*gradients_in_our_names(model, gradients, rows), tolerance)


@settings(max_examples=4, deadline=None)
@given(config=configs(), seed=st.integers(0, 99))
def test_greedy_tokens(config, seed):
    theirs = reference(WhisperForConditionalGeneration, config, torch.float64, seed)
    ours, _ = ours_from(theirs, torch.float64)
    frames = torch.randn(2, config.num_mel_bins, 2 * config.max_source_positions, dtype=torch.float64)
    with torch.no_grad():
        with lifted():
            wanted = torch.tensor([[2], [2]])
            for _ in range(10):
                logits = theirs(frames, decoder_input_ids=wanted, use_cache=False).logits
                wanted = torch.cat((wanted, logits[:, -1:].argmax(-1)), 1)
        cache, got = ours.new_cache(2, 11), []
        logits = ours(frames, torch.tensor([[2], [2]]), cache)
        for _ in range(10):
            got.append(logits[:, -1:].argmax(-1))
            logits = ours(None, got[-1], cache)
    assert torch.equal(torch.cat(got, 1), wanted[:, 1:])


def test_round_trip(tmp_path):
    sizes = {"d_model": 16, "encoder_layers": 2, "decoder_layers": 1, "encoder_ffn_dim": 24, "decoder_ffn_dim": 24}
    heads = {"encoder_attention_heads": 4, "decoder_attention_heads": 4, "num_mel_bins": 6, "max_source_positions": 10}
    ids = {"pad_token_id": 1, "bos_token_id": 1, "eos_token_id": 1, "decoder_start_token_id": 2}
    check_round_trip(WhisperForConditionalGeneration, WhisperConfig(vocab_size=40, **sizes, **heads, **ids), tmp_path)


def test_frames_stand_where_openai_put_them():
    from transformers.models.whisper.modeling_whisper import sinusoids

    assert_close(frame_positions(1500, 384), sinusoids(1500, 384), 1e-6)


class TestEar:
    @few
    @given(
        n=st.integers(1000, 600_000),
        loud=st.floats(1e-4, 1.0),
        mels=st.sampled_from([80, 128]),
        seed=st.integers(0, 99),
    )
    def test_log_mel_equals_the_feature_extractor(self, n, loud, mels, seed):
        draw = torch.Generator().manual_seed(seed)
        t = torch.arange(n) / RATE
        sound = loud * (torch.sin(2 * math.pi * 300 * t * (1 + t)) + 0.1 * torch.randn(n, generator=draw))
        theirs = hf.WhisperFeatureExtractor(feature_size=mels)
        wanted = theirs(sound.numpy(), sampling_rate=RATE, return_tensors="np")["input_features"]
        assert_close(log_mel(sound, mels=mels), torch.from_numpy(wanted)[0], 1e-5)
        assert np.abs(mel_filters(mels).T.numpy() - theirs.mel_filters).max() < 1e-6

    def test_a_batch_is_each_sound_alone(self):
        sounds = torch.randn(3, 20_000) * torch.tensor([[1.0], [0.01], [0.1]])
        together = log_mel(sounds)
        for row, sound in enumerate(sounds):
            assert_close(together[row], log_mel(sound), 1e-6)
        assert log_mel(sounds, seconds=None).shape == (3, 80, 125)
        with pytest.raises(HeadwayError, match="samples"):
            log_mel(torch.zeros(100), seconds=None)

    @few
    @given(old=st.sampled_from([8000, 11025, 22050, 44100, 48000, 96000]), share=st.floats(0.02, 0.8))
    def test_resampling_keeps_a_tone(self, old, share):
        hertz = share * min(old, RATE) / 2
        tone = torch.sin(2 * math.pi * hertz * torch.arange(old) / old)
        got = resample(tone, old, RATE)
        wanted = torch.sin(2 * math.pi * hertz * torch.arange(len(got)) / RATE)
        assert len(got) == RATE
        assert_close(got[1000:-1000], wanted[1000:-1000], 0.02)

    def test_resampling_takes_out_what_does_not_fit(self):
        tone = torch.sin(2 * math.pi * 12_000 * torch.arange(44_100) / 44_100)
        assert float(resample(tone, 44_100, RATE)[500:-500].abs().max()) < 0.02
        with pytest.raises(HeadwayError, match="rate"):
            resample(tone, 0, RATE)

    @pytest.mark.parametrize("width", [1, 2, 3, 4])
    def test_a_wave_file_is_what_was_written(self, width, tmp_path):
        values = torch.linspace(-1, 1, 101)[:100]
        whole = (values * 2 ** (8 * width - 1)).long()
        if width == 1:
            raw = bytes((whole + 128).tolist())
        else:
            raw = b"".join(int(v).to_bytes(width, "little", signed=True) for v in whole)
        with wave.open(str(tmp_path / "a.wav"), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(width)
            file.setframerate(8000)
            file.writeframes(raw)
        samples, rate = read_wave(tmp_path / "a.wav")
        assert (rate, samples.shape) == (8000, (2, 50))
        assert_close(samples.t().flatten(), whole.double().float() / 2 ** (8 * width - 1), 1e-6)
        assert load_sound(tmp_path / "a.wav").shape == (100,)

    def test_floats_and_headers_that_promise_too_much(self, tmp_path):
        values = np.linspace(-1, 1, 40, dtype="<f4")
        raw = values.tobytes()
        form = struct.pack("<HHIIHH", 3, 1, RATE, 4 * RATE, 4, 32)
        head = (
            b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<I", 16) + form + b"LIST" + struct.pack("<I", 3) + b"abc\0"
        )
        (tmp_path / "a.wav").write_bytes(head + b"data\xff\xff\xff\xff" + raw)
        assert torch.equal(load_sound(tmp_path / "a.wav"), torch.from_numpy(values))
        values[7] = np.nan
        (tmp_path / "a.wav").write_bytes(head + b"data\xff\xff\xff\xff" + values.tobytes())
        with pytest.raises(HeadwayError, match="no numbers"):
            load_sound(tmp_path / "a.wav")

    @pytest.mark.parametrize(
        ("content", "error"),
        [
            (b"", Unsupported),
            (b"ID3 music", Unsupported),
            (b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0", Corrupt),
            (
                b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 7, 1, 8000, 8000, 1, 8) + b"data\0\0\0\0",
                Unsupported,
            ),
            (
                b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8) + b"data\0\0\0\0",
                HeadwayError,
            ),
        ],
    )
    def test_what_is_no_sound_is_one_line(self, content, error, tmp_path):
        (tmp_path / "a.wav").write_bytes(content)
        with pytest.raises(error) as caught:
            load_sound(tmp_path / "a.wav")
        assert "\n" not in str(caught.value)
        with pytest.raises(HeadwayError, match="no file"):
            load_sound(tmp_path / "b.wav")

    def test_a_long_sound_is_cut_where_it_is_quiet(self):
        sound = torch.randn(70 * RATE)
        sound[27 * RATE : 27 * RATE + RATE // 2] = 0
        cut = list(pieces(sound))
        assert torch.equal(torch.cat(cut), sound)
        assert all(len(piece) <= 30 * RATE for piece in cut)
        assert 27 * RATE <= len(cut[0]) <= 27.5 * RATE


fetched = pytest.mark.skipif(
    state(SOURCES["whisper-tiny-en"]) != "present", reason="`headway fetch whisper-tiny-en` first"
)
SPOKEN = Path(__file__).parents[1] / "fixtures" / "espeak.wav"  # espeak-ng -w espeak.wav "Please open the window ..."


def plain(text: str) -> str:
    return "".join(sign for sign in text.lower() if sign.isalpha() or sign == " ").strip()


@pytest.fixture(scope="module")
def tiny():
    folder = fetch("whisper-tiny-en")
    tokenizer = PretrainedTokenizer.from_folder(folder)
    return load_folder(folder, dtype=torch.float32), tokenizer, SpeechPrompt.of(folder, tokenizer)


@fetched
@pytest.mark.weights
class TestTinyEn:
    @pytest.mark.parametrize("beams", [1, 2])
    def test_writes_down_a_synthetic_voice(self, tiny, beams):
        (spoken,) = transcribe(*tiny, load_sound(SPOKEN), beams=beams)
        assert (spoken.begin, round(spoken.end, 2)) == (0, round(len(load_sound(SPOKEN)) / RATE, 2))
        assert plain(spoken.text) == "please open the window and close the door"

    @pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="`apt-get install espeak-ng` first")
    def test_writes_down_what_espeak_says_now(self, tiny, tmp_path):
        sentence = "We went to the market and bought some apples."
        subprocess.run(["espeak-ng", "-w", str(tmp_path / "said.wav"), sentence], check=True)
        (spoken,) = transcribe(*tiny, load_sound(tmp_path / "said.wav"))
        assert plain(spoken.text) == plain(sentence)

    def test_equals_transformers_on_the_same_weights(self, tiny, tmp_path):
        model, tokenizer, manner = tiny
        export_folder(model, tmp_path)
        theirs = WhisperForConditionalGeneration.from_pretrained(tmp_path).eval()
        frames = log_mel(load_sound(SPOKEN))[None]
        said = tokenizer.encode(" Please open the window and close the door.", special=False)
        tokens = torch.tensor([[*manner.start, *said]])
        with torch.no_grad():
            wanted = theirs(frames, decoder_input_ids=tokens).logits
            assert_close(model(frames, tokens), wanted, SINGLE)
        assert wanted[0, 1:].argmax(-1).tolist() == [*said, manner.stop]

    def test_the_reader_accounts_for_all_of_the_file(self, tiny):
        file = CTranslate2(fetch("whisper-tiny-en") / "model.bin")
        assert file.spec == "WhisperSpec"
        total = sum(file[key].numel() for key in file)
        assert total == sum(p.numel() for p in tiny[0].parameters()) + tiny[0].frame_position.numel() + 12 * 384


def variable(name: str, values: np.ndarray, kind: int) -> bytes:
    raw = values.tobytes()
    head = struct.pack("<H", len(name) + 1) + name.encode() + b"\0" + struct.pack("<B", values.ndim)
    return head + struct.pack(f"<{values.ndim}I", *values.shape) + struct.pack("<BI", kind, len(raw)) + raw


def model_bin(*variables: bytes, version: int = 6, aliases: bytes = struct.pack("<I", 0)) -> bytes:
    head = struct.pack("<IH", version, 8) + b"AnySpec\0" + struct.pack("<II", 1, len(variables))
    return head + b"".join(variables) + aliases


class TestCTranslate2:
    def test_integers_are_dequantised(self, tmp_path):
        rows = np.array([[100, -50], [1, 2]], dtype=np.int8)
        aliases = struct.pack("<I", 1) + b"".join(struct.pack("<H", 2) + name + b"\0" for name in (b"z", b"a"))
        (tmp_path / "model.bin").write_bytes(
            model_bin(
                variable("a", rows, 1),
                variable("a_scale", np.array([10.0, 4.0], dtype=np.float32), 0),
                variable("b", np.array([1000], dtype=np.int16), 2),
                variable("b_scale", np.array(100.0, dtype=np.float32), 0),
                variable("c", np.array([1.5], dtype=np.float16), 4),
                variable("heads", np.array(6, dtype=np.int16), 2),
                aliases=aliases,
            )
        )
        file = CTranslate2(tmp_path / "model.bin")
        assert list(file) == ["a", "b", "c"]
        assert file["a"].tolist() == [[10.0, -5.0], [0.25, 0.5]]
        assert torch.equal(file["z"], file["a"])
        assert file["b"].tolist() == [10.0]
        assert file["c"].dtype == torch.float16
        assert file.facts == {"heads": 6}

    @given(cut=st.integers(0, 200), flip=st.integers(0, 200), value=st.integers(0, 255))
    def test_a_damaged_file_is_one_line(self, cut, flip, value, tmp_path_factory):
        ones = (np.ones((3, 4), dtype=np.float32), np.ones(5, dtype=np.float32))
        whole = bytearray(model_bin(variable("a", ones[0], 0), variable("b", ones[1], 0)))
        whole[flip % len(whole)] = value
        path = tmp_path_factory.mktemp("damaged") / "model.bin"
        path.write_bytes(whole[: max(0, len(whole) - cut)])
        said = ""
        try:
            file = CTranslate2(path)
            assert all(file[key].shape == file.shape(key) for key in file)
        except HeadwayError as error:
            said = str(error)
        assert "\n" not in said

    def test_another_model_is_refused_by_name(self, tmp_path):
        (tmp_path / "config.json").write_text("{}")
        (tmp_path / "model.bin").write_bytes(model_bin(variable("a", np.ones(3, dtype=np.float32), 0)))
        with pytest.raises(Unsupported, match="AnySpec"):
            load_folder(tmp_path)
        (tmp_path / "model.bin").write_bytes(model_bin(version=77))
        with pytest.raises(Unsupported, match="77"):
            load_folder(tmp_path)
        (tmp_path / "model.bin").write_bytes(b"")
        with pytest.raises(Corrupt, match="empty"):
            load_folder(tmp_path)
