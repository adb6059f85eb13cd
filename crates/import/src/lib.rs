//! Recipes from the files of other tools.
