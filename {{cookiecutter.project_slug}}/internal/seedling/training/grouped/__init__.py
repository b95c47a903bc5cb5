"""Linear models of many groups of rows at once, which borrow strength from each other.

Import from the modules: `moments` needs numpy, pandas and pyarrow only, `linear` and `each` are
estimators of scikit-learn.
"""
