"""Small models whose answers are known exactly. The mathematics chapters look at them; the equations' tests check against them."""
