"""Yours: the sample data of the local feature store. Synthetic; delete it once you have your own.

Drawn with a fixed seed: hospital stays with plausible vital signs, no real patient.
"""

import numpy as np
import pandas as pd

STAYS = 4_000
FIRST_CSN = 1_001
ADMISSIONS = {"emergency": 0.55, "elective": 0.28, "maternity": 0.09, "transfer": 0.08}


def sample_tables() -> dict[str, pd.DataFrame]:
    """The tables of the sample store: hospital stays, and the vital signs taken in each."""
    generator = np.random.default_rng(13)
    csn = np.arange(FIRST_CSN, FIRST_CSN + STAYS)
    illness = generator.normal(0, 1, STAYS)  # not in the tables: what the signs hint at
    admission = generator.choice(list(ADMISSIONS), STAYS, p=list(ADMISSIONS.values()))
    age = np.where(
        admission == "maternity",
        generator.normal(30, 5, STAYS),
        np.clip(generator.normal(63, 18, STAYS), 18, 104),
    ).astype(int)
    male = (generator.random(STAYS) < 0.5) & (admission != "maternity")
    hours = generator.gamma(1.6, 45, STAYS).round(1)
    on_oxygen = generator.random(STAYS) < 1 / (1 + np.exp(2.2 - 1.5 * illness))
    log_odds = (
        -0.5
        - 1.5 * illness
        - 0.018 * (age - 60)
        + 0.9 * np.isin(admission, ["elective", "maternity"])
        + 0.006 * np.minimum(hours, 150)
        - 1.2 * on_oxygen
    )
    discharged = generator.random(STAYS) < 1 / (1 + np.exp(-log_odds))
    stays = pd.DataFrame(
        {
            "csn": csn,
            "age": age,
            "sex": np.where(male, "male", "female"),
            "admission_type": admission,
            "hours_since_admission": np.clip(hours, 0, 2_000),
            "on_oxygen": on_oxygen.astype(int),
            "discharged_in_24h": discharged.astype(int),
        }
    )
    return {"stays": stays, "vital_signs": _vital_signs(csn, illness, generator)}


def _vital_signs(
    csn: np.ndarray, illness: np.ndarray, generator: np.random.Generator
) -> pd.DataFrame:
    """Up to six readings a stay, worse the iller; some stays have none, some readings a gap."""
    readings = generator.integers(0, 7, len(csn))
    of, ill = np.repeat(csn, readings), np.repeat(illness, readings)

    def sign(usual: float, effect: float, spread: float, low: float, high: float) -> np.ndarray:
        values = generator.normal(usual + effect * ill, spread)
        values[generator.random(len(of)) < 0.03] = np.nan
        return np.clip(values, low, high).round(1)

    return pd.DataFrame(
        {
            "csn": of,
            "heart_rate": sign(80, 9, 8, 20, 250),
            "systolic_pressure": sign(126, -7, 12, 40, 280),
            "respiratory_rate": sign(16, 2.2, 2, 4, 70),
            "temperature": sign(36.9, 0.35, 0.35, 30, 43),
            "oxygen_saturation": sign(96.5, -1.3, 1.2, 50, 100),
        }
    )


if __name__ == "__main__":
    for name, table in sample_tables().items():
        print(name, table, sep="\n")
