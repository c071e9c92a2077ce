"""What happens inside a trained network: filters, activations, saliency, neighbours, a map."""
