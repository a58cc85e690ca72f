"""Who wrote a mail, how well that is proven, what kind it is, and which ticket it belongs to."""
