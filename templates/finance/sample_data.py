"""Yours: the sample data of the local feature store. Synthetic; delete it once you have your own.

Drawn with a fixed seed in the shape of the census income table (UCI, "Adult"): its columns and
plausible effects, no real person.
"""

import numpy as np
import pandas as pd

PERSONS = 6_000

EDUCATION = {  # years of school, share
    "11th": (7, 0.05),
    "HS-grad": (9, 0.34),
    "Some-college": (10, 0.24),
    "Assoc-voc": (11, 0.06),
    "Bachelors": (13, 0.20),
    "Masters": (14, 0.08),
    "Doctorate": (16, 0.03),
}
OCCUPATION = {  # effect on income, share
    "Adm-clerical": (-0.2, 0.13),
    "Craft-repair": (0.1, 0.14),
    "Exec-managerial": (0.9, 0.14),
    "Machine-op-inspct": (-0.4, 0.09),
    "Other-service": (-1.0, 0.13),
    "Prof-specialty": (0.7, 0.14),
    "Sales": (0.3, 0.13),
    "Tech-support": (0.5, 0.04),
    "Transport-moving": (-0.1, 0.06),
}
WORKCLASS = {
    "Private": 0.75,
    "Self-emp-not-inc": 0.08,
    "Local-gov": 0.07,
    "State-gov": 0.04,
    "Self-emp-inc": 0.03,
    "Federal-gov": 0.03,
}


def sample_tables() -> dict[str, pd.DataFrame]:
    """The tables of the sample store: who the persons are, and what they earn."""
    generator = np.random.default_rng(11)
    education = generator.choice(list(EDUCATION), PERSONS, p=[p for _, p in EDUCATION.values()])
    occupation = generator.choice(list(OCCUPATION), PERSONS, p=[p for _, p in OCCUPATION.values()])
    age = np.clip(generator.gamma(9, 4.4, PERSONS), 17, 90).astype(int)
    married = generator.random(PERSONS) < np.clip((age - 18) / 35, 0, 0.62)
    woman = generator.random(PERSONS) < 0.4
    single = generator.choice(
        ["Never-married", "Divorced", "Separated", "Widowed"], PERSONS, p=[0.62, 0.28, 0.05, 0.05]
    )
    alone = generator.choice(
        ["Not-in-family", "Own-child", "Unmarried", "Other-relative"],
        PERSONS,
        p=[0.5, 0.25, 0.2, 0.05],
    )
    persons = pd.DataFrame(
        {
            "person_id": np.arange(1, PERSONS + 1),
            "age": age,
            "workclass": generator.choice(list(WORKCLASS), PERSONS, p=list(WORKCLASS.values())),
            "education": education,
            "education_num": [EDUCATION[level][0] for level in education],
            "marital_status": np.where(married, "Married-civ-spouse", single),
            "occupation": occupation,
            "relationship": np.where(married, np.where(woman, "Wife", "Husband"), alone),
            "hours_per_week": np.clip(generator.normal(40, 11, PERSONS), 1, 99).astype(int),
        }
    )
    gain = np.where(generator.random(PERSONS) < 0.08, generator.gamma(2, 3500, PERSONS), 0)
    loss = np.where(generator.random(PERSONS) < 0.05, generator.normal(1870, 350, PERSONS), 0)
    log_odds = (
        -5.6
        + 0.33 * (persons["education_num"] - 9)
        + 1.9 * married
        + 0.14 * np.minimum(age - 17, 33)
        - 0.0018 * (age - 45) ** 2
        + 0.03 * (persons["hours_per_week"] - 40)
        + persons["occupation"].map({name: effect for name, (effect, _) in OCCUPATION.items()})
        + 1.6 * (gain > 5000)
        + 0.6 * (loss > 1800)
    )
    rich = generator.random(PERSONS) < 1 / (1 + np.exp(-log_odds))
    for column in ("workclass", "occupation"):
        persons.loc[generator.random(PERSONS) < 0.05, column] = None
    finances = {
        "person_id": persons["person_id"],
        "capital_gain": np.clip(gain, 0, 99_999).astype(int),
        "capital_loss": np.clip(loss, 0, 4_356).astype(int),
        "income": np.where(rich, ">50K", "<=50K"),
    }
    return {"persons": persons, "finances": pd.DataFrame(finances)}


if __name__ == "__main__":
    for name, table in sample_tables().items():
        print(name, table, sep="\n")
