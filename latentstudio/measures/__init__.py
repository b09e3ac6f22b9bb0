"""What a change did to pictures, in true units: registration, barycentre and extent, luminance."""
