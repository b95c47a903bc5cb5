// What one of those who train and deploy may do: a group of people, or the identity of CI. Each
// right is on the one thing that it is needed for, none on the resource group.
param principalId string

@allowed([
  'Group'
  'ServicePrincipal'
])
param principalType string
param workspaceName string
param storageName string
param containerRegistryName string
param registryName string
param siteName string
param planName string

@description('The vault of the service. People set its key; CI reads it, to try what it has deployed.')
param serviceVaultName string

var acrPush = '8311e382-0749-4cb8-b61a-304f252e45ec'
var azureMLDataScientist = 'f6c7c914-8db3-469d-8ca1-694a8f32e121'
var azureMLRegistryUser = '1823dd4f-9b8c-4ab6-ab4e-7397a3684615'
var keyVaultSecretsOfficer = 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'
var secretsRole = principalType == 'Group' ? keyVaultSecretsOfficer : keyVaultSecretsUser
var storageBlobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
var websiteContributor = 'de139f84-1756-47ae-9be6-808fbbe84772'

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-06-01' existing = {
  name: workspaceName
}

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageName
}

resource containerRegistry 'Microsoft.ContainerRegistry/registries@2023-07-01' existing = {
  name: containerRegistryName
}

resource registry 'Microsoft.MachineLearningServices/registries@2025-06-01' existing = if (!empty(registryName)) {
  name: empty(registryName) ? 'none' : registryName
}

resource site 'Microsoft.Web/sites@2024-04-01' existing = if (!empty(siteName)) {
  name: empty(siteName) ? 'none' : siteName
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' existing = if (!empty(planName)) {
  name: empty(planName) ? 'none' : planName
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = if (!empty(serviceVaultName)) {
  name: empty(serviceVaultName) ? 'none' : serviceVaultName
}

resource training 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, principalId, azureMLDataScientist)
  scope: workspace
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', azureMLDataScientist)
  }
}

resource data 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, principalId, storageBlobDataContributor)
  scope: storage
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

resource images 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(containerRegistry.id, principalId, acrPush)
  scope: containerRegistry
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPush)
  }
}

resource publishing 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(registryName)) {
  name: guid(registry.id, principalId, azureMLRegistryUser)
  scope: registry
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', azureMLRegistryUser)
  }
}

resource deployment 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(siteName)) {
  name: guid(site.id, principalId, websiteContributor)
  scope: site
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', websiteContributor)
  }
}

resource machines 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(planName)) {
  name: guid(plan.id, principalId, websiteContributor)
  scope: plan
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', websiteContributor)
  }
}

resource secrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(serviceVaultName)) {
  name: guid(vault.id, principalId, secretsRole)
  scope: vault
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsRole)
  }
}
