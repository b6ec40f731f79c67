"""Verdicts for the benchmark of the lake: 750 bytes, two a frame, evenly over days. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from streaming.messages import Latency, ProviderCall, RiskAssessment, Usage, encode

CAMERAS = 50
GROUPS = 2
_TEMPLATES = 2_000
_TASK_ID, _MESSAGE_ID, _CAMERA_ID = "{task}", "{message}", "{camera}"
_AT = "2000-01-01T00:00:00.500000Z"
_LEVELS = ("none", "none", "none", "none", "low", "low", "low", "medium", "medium", "high")
_USERS = ("行人", "骑车人", "小汽车", "公交车", "摩托车", "货车")
_ACTIONS = ("正在靠近", "从后方超越", "横穿于", "停在", "逆行接近", "转弯切入")
_ADVICE = ("建议减速观察", "距离尚可，暂无碰撞风险", "视线受遮挡，需持续关注", "双方均未减速")
_TYPES = ("车辆靠近行人", "跟车过近", "横穿马路", "逆行", "视线遮挡", "占用非机动车道")


def verdicts(
    first: int, count: int, *, per_day: int, begin: datetime, seed: int
) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of verdicts number `first` and on, in the order of time.

    Message ids are as random as a UUIDv7's, descriptions are put together from phrases and
    numbers: what a column costs on disk depends on both.
    """
    rng = Random(seed)  # noqa: S311 - not a secret
    templates = [_template(Random(n)) for n in range(_TEMPLATES)]  # noqa: S311 - seeded
    step = timedelta(days=1) / per_day
    message_id = ""
    for number in range(first, first + count):
        at = begin + step * number
        if number % GROUPS == 0 or not message_id:
            message_id = _uuid7(rng, at)
        camera = b"%d" % (number // GROUPS % CAMERAS)
        moment = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
        value = (
            templates[rng.randrange(_TEMPLATES)]
            .replace(_TASK_ID.encode(), b"%s:%d" % (message_id.encode(), number % GROUPS))
            .replace(_MESSAGE_ID.encode(), message_id.encode())
            .replace(_CAMERA_ID.encode(), camera)
            .replace(b'"groupIndex":0', b'"groupIndex":%d' % (number % GROUPS))
            .replace(_AT.encode(), moment)
        )
        yield camera, value


def _uuid7(rng: Random, at: datetime) -> str:
    bits = rng.getrandbits(74)
    text = f"{int(at.timestamp() * 1000):012x}7{bits >> 62:03x}{8 + (bits >> 60 & 3):x}"
    text += f"{bits & (1 << 60) - 1:015x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _template(rng: Random) -> bytes:
    at = datetime(2000, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)
    llm_ms = round(rng.lognormvariate(6.7, 0.4), 1)
    key_id = f"key_{rng.randint(1, 10)}"
    tokens = rng.randint(380, 520), rng.randint(40, 110)
    queue_ms = round(rng.expovariate(1 / 40), 1)
    first, second = rng.choice(_USERS), rng.choice(_USERS)
    return encode(
        RiskAssessment(
            task_id=_TASK_ID,
            message_id=_MESSAGE_ID,
            camera_id=_CAMERA_ID,
            group_index=0,
            group_count=GROUPS,
            status="assessed",
            risk_level=rng.choice(_LEVELS),  # type: ignore[arg-type]
            confidence=round(rng.uniform(0.5, 0.98), 2),
            risk_types=tuple(rng.sample(_TYPES, rng.randint(1, 2))),
            description=f"{first}{rng.randrange(9)}{rng.choice(_ACTIONS)}{second}"
            f"{rng.randrange(9)}，间距约{rng.uniform(0.5, 9):.1f}米，{rng.choice(_ADVICE)}。"
            "画面其余部分未见异常。",
            danger_object_count=rng.randint(0, 3),
            trigger_object_ids=tuple(sorted(rng.sample(range(8), rng.randint(1, 3)))),
            model="qwen-vl-plus",
            key_id=key_id,
            attempts=1,
            latency=Latency(queue_ms, llm_ms, round(queue_ms + llm_ms + rng.uniform(20, 90), 1)),
            usage=Usage(*tokens, 0.00123),
            prompt_version="1",
            captured_at=at,
            assessed_at=at,
            calls=(ProviderCall(at, llm_ms, key_id, "qwen-vl-plus", "answered", *tokens),),
        )
    )
